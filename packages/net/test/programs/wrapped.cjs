// Who wraps methods of net.Socket, as tracing does, finds all that connect; and what extends Socket is of its class.
const http = require("node:http");
const net = require("node:net");

const { connect } = net.Socket.prototype;
let connects = 0;
net.Socket.prototype.connect = function (...args) {
  // Called as a function Socket is Node's own, whose methods are not wrapped.
  if (!(this instanceof Old)) connects++;
  return connect.apply(this, args);
};
class Extended extends net.Socket {}
function Old() {
  net.Socket.call(this);
}
Object.setPrototypeOf(Old.prototype, net.Socket.prototype);

const server = http
  .createServer((_, response) => response.end("x"))
  .listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    http.get({ port, host: "127.0.0.1", agent: false }, (response) => {
      response.resume().on("end", () => {
        const sockets = [new Extended(), new net.Socket(), new Old()];
        for (const socket of sockets) {
          console.log(socket instanceof net.Socket, socket instanceof Extended, socket instanceof Old);
        }
        console.log(process.stdin instanceof net.Stream || process.stdin.fd === 0, {} instanceof net.Socket);
        console.log(sockets[1].constructor === net.Socket, sockets[0].constructor === Extended);
        let closed = 0;
        for (const socket of sockets) {
          socket.connect(port, "127.0.0.1", () => socket.destroy());
          socket.on("close", () => {
            if (++closed === 3) server.close(() => console.log("connects", connects));
          });
        }
      });
    });
  });
