/** What ended a download, as data. `reason` is for operators and holds no address and no query. */
export type Unfetched =
  /** The far side answered, but not with 200: an error, or a redirect that leads nowhere. */
  | { kind: 'REFUSED'; status: number }
  /** Our guard does not let this URL, or one it redirects to, be fetched. Trying again will not help. */
  | { kind: 'FORBIDDEN'; reason: string }
  | { kind: 'TOO_LARGE' }
  | { kind: 'TIMEOUT' }
  /** No whole answer came: no name, no connection, broken TLS, cut short, or an encoding we did not ask for. */
  | { kind: 'UNREACHABLE'; reason: string };

/** Carries an `Unfetched` up to `download`, which returns it; never seen outside this folder. */
export class Refusal extends Error {
  readonly result: Unfetched;

  constructor(result: Unfetched) {
    super('reason' in result ? result.reason : result.kind);
    this.result = result;
  }
}

/** The refusal the guard raises. */
export function forbidden(reason: string): Refusal {
  return new Refusal({ kind: 'FORBIDDEN', reason });
}
