import { fastify } from "./frameworks.mjs";
import { casesOf } from "./http-cases.mjs";

export default casesOf(fastify);
