/** What GEOSEARCH, GEORADIUS and their like are asked for (Redis: georadiusGeneric). */
import { pointOf } from "../../geo/geohash.js";
import type { Shape } from "../../geo/search-area.js";
import { type Call, NOT_INTEGER } from "../../server/call.js";
import type { Zset } from "../../values/zset.js";
import { doubleOf, pointAt, unitAt } from "./arguments.js";

/** Which of the commands. */
export interface Form {
  /** GEOSEARCH and GEOSEARCHSTORE, where options name the centre and the shape; else a radius. */
  isSearch: boolean;
  /** Of a radius: around a member; else around coordinates. */
  isByMember: boolean;
  /** The argument that is the key. */
  key: number;
  /** An option may name a key to store into. */
  mayStore: boolean;
}

export class SearchOptions {
  readonly shape: Shape = { center: { longitude: 0, latitude: 0 }, width: 0, height: 0, unit: 1 };
  withDistance = false;
  withHash = false;
  withCoordinates = false;
  isAny = false;
  order: "none" | "asc" | "desc" = "none";
  /** 0: all. */
  count = 0;
  /** The argument that is the key to store into; 0: none. */
  store = 0;
  storesDistance = false;
  private hasMember = false;
  private hasPoint = false;
  private hasBox = false;

  private constructor(
    private readonly call: Call,
    private readonly form: Form,
    /** Undefined: there is no key, and only the arguments are looked at. */
    private readonly zset: Zset | undefined,
  ) {}

  /** Undefined: something is wrong, which was replied. */
  static read(call: Call, form: Form, zset: Zset | undefined): SearchOptions | undefined {
    const options = new SearchOptions(call, form, zset);
    let first = form.key + 1;
    if (form.isSearch) {
      if (form.key === 2) options.store = 1;
    } else {
      if (!options.readCenter()) return undefined;
      first = form.isByMember ? 5 : 6;
    }
    return options.readFrom(first) && options.isWhole() ? options : undefined;
  }

  /** Of GEORADIUS and GEORADIUSBYMEMBER: centre, radius and unit, which are not options. */
  private readCenter(): boolean {
    const { form, zset } = this;
    if (!form.isByMember) return this.readPoint(2) && this.readRadius(4);
    // Without the key nothing is asked of these.
    return zset === undefined || (this.readMember(2) && this.readRadius(3));
  }

  private readFrom(first: number): boolean {
    for (let i = first; i < this.call.args.count; ) {
      const taken = this.readFlag(i) || this.readStore(i) || this.readPlace(i);
      if (taken === FAILED) return false;
      if (taken === 0) {
        this.call.syntaxError();
        return false;
      }
      i += taken;
    }
    return true;
  }

  /** Each of these returns how many arguments it took, 0 if the option is none of its own, or FAILED if it was wrong, which was replied. */
  private readFlag(i: number): number {
    const { args, reply } = this.call;
    if (args.is(i, "withdist")) this.withDistance = true;
    else if (args.is(i, "withhash")) this.withHash = true;
    else if (args.is(i, "withcoord")) this.withCoordinates = true;
    else if (args.is(i, "any")) this.isAny = true;
    else if (args.is(i, "asc")) this.order = "asc";
    else if (args.is(i, "desc")) this.order = "desc";
    else if (args.is(i, "count") && i + 1 < args.count) {
      const count = args.integer(i + 1);
      if (count !== undefined && count > 0n) {
        this.count = Number(count);
        return 2;
      }
      reply.error(count === undefined ? NOT_INTEGER : "ERR COUNT must be > 0");
      return FAILED;
    } else return 0;
    return 1;
  }

  private readStore(i: number): number {
    const { args } = this.call;
    const isDistance = args.is(i, "storedist");
    if (this.form.isSearch) {
      if (!isDistance || this.store === 0) return 0;
      this.storesDistance = true;
      return 1;
    }
    if (!this.form.mayStore || i + 1 >= args.count || !(isDistance || args.is(i, "store"))) return 0;
    this.store = i + 1;
    this.storesDistance = isDistance;
    return 2;
  }

  /** Of GEOSEARCH: the centre and the shape. */
  private readPlace(i: number): number {
    const { args } = this.call;
    const rest = args.count - i - 1;
    if (!this.form.isSearch) return 0;
    if (args.is(i, "frommember") && rest >= 1 && !this.hasPoint) {
      this.hasMember = true;
      return this.zset === undefined || this.readMember(i + 1) ? 2 : FAILED;
    }
    if (args.is(i, "fromlonlat") && rest >= 2 && !this.hasMember) {
      this.hasPoint = true;
      return this.readPoint(i + 1) ? 3 : FAILED;
    }
    if (args.is(i, "byradius") && rest >= 2 && !this.hasBox) return this.readRadius(i + 1) ? 3 : FAILED;
    if (args.is(i, "bybox") && rest >= 3 && this.shape.radius === undefined) return this.readBox(i + 1) ? 4 : FAILED;
    return 0;
  }

  private readPoint(i: number): boolean {
    const point = pointAt(this.call, i);
    if (point === undefined) return false;
    this.shape.center = point;
    return true;
  }

  private readMember(i: number): boolean {
    const { args, reply } = this.call;
    const score = this.zset?.score(args.bytes, args.at(i), args.length(i)) ?? Number.NaN;
    if (Number.isNaN(score)) {
      reply.error("ERR could not decode requested zset member");
      return false;
    }
    this.shape.center = pointOf(score);
    return true;
  }

  private readRadius(i: number): boolean {
    const radius = doubleOf(this.call, i, "ERR need numeric radius");
    if (radius === undefined) return false;
    if (radius < 0) {
      this.call.reply.error("ERR radius cannot be negative");
      return false;
    }
    this.shape.radius = radius;
    return this.readUnit(i + 1);
  }

  private readBox(i: number): boolean {
    const width = doubleOf(this.call, i, "ERR need numeric width");
    const height = width === undefined ? undefined : doubleOf(this.call, i + 1, "ERR need numeric height");
    if (width === undefined || height === undefined) return false;
    if (width < 0 || height < 0) {
      this.call.reply.error("ERR height or width cannot be negative");
      return false;
    }
    this.shape.width = width;
    this.shape.height = height;
    this.hasBox = true;
    return this.readUnit(i + 2);
  }

  private readUnit(i: number): boolean {
    const unit = unitAt(this.call, i);
    if (unit === undefined) return false;
    this.shape.unit = unit;
    return true;
  }

  /** Whether all is said that must be, and nothing that does not go together. */
  private isWhole(): boolean {
    const { args, reply } = this.call;
    const { isSearch } = this.form;
    const tells = this.withDistance || this.withHash || this.withCoordinates;
    if (this.store !== 0 && tells) {
      const what = isSearch ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS";
      reply.error(`ERR ${what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options`);
    } else if (isSearch && !this.hasMember && !this.hasPoint) {
      reply.error(`ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ${args.text(0)}`);
    } else if (isSearch && this.shape.radius === undefined && !this.hasBox) {
      reply.error(`ERR exactly one of BYRADIUS and BYBOX can be specified for ${args.text(0)}`);
    } else if (this.isAny && this.count === 0) {
      reply.error("ERR the ANY argument requires COUNT argument");
    } else {
      return true;
    }
    return false;
  }
}

const FAILED = -1;
