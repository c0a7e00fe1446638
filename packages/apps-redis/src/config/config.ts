/** What can be configured, by the names that redis.conf has, in camelCase; sizes in bytes, times as the name says. */
export class Config {
  port = 6379;
  bind: string[] = ["127.0.0.1"];
  databases = 16;
  tcpBacklog = 511;
  maxclients = 10000;
  hz = 10;
  protoMaxBulkLen = 512 * 1024 * 1024;
  clientQueryBufferLimit = 1024 * 1024 * 1024;
  maxmemory = 0;
  maxmemoryPolicy = "noeviction";
  maxmemorySamples = 5;
  maxmemoryEvictionTenacity = 10;
  lfuLogFactor = 10;
  lfuDecayTime = 1;
  activeExpireEffort = 1;
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
