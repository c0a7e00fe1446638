export interface Context {
  readonly subject: string;
}
