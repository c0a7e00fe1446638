/** What can be configured, by the names that redis.conf has, in camelCase; sizes in bytes, times as the name says. */
export class Config {
  port = 6379;
  bind: string[] = ["127.0.0.1"];
  databases = 16;
  tcpBacklog = 511;
  maxclients = 10000;
  protoMaxBulkLen = 512 * 1024 * 1024;
  clientQueryBufferLimit = 1024 * 1024 * 1024;
  hashMaxListpackEntries = 512;
  hashMaxListpackValue = 64;
  listMaxListpackSize = -2;
  listCompressDepth = 0;
  setMaxIntsetEntries = 512;
  zsetMaxListpackEntries = 128;
  zsetMaxListpackValue = 64;
  streamNodeMaxBytes = 4096;
  streamNodeMaxEntries = 100;
  hllSparseMaxBytes = 3000;
}
