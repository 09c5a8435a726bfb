import { returnAccountQuestion, storeAccount, takeAccountQuestion } from '../generation/accounts.ts';
import type { Domain } from '../generation/domain.ts';
import type { Standings } from '../generation/standings.ts';
import type { Provider } from '../provider/provider.ts';
import type { Limits } from './limits.ts';
import { createLoop, type Loop } from './loop.ts';
import type { Providers } from './providers.ts';

/** Each account, by one of all workers. */
const EVERY_MS = 300_000;
/** So soon another worker takes over from one that is gone, or asks again what was not answered. */
const LOOK_EVERY_MS = 60_000;

/** Asks providers that tell what is left on the account, and which tier it has; everybody sees it in their standings. */
export function createAccountant(
  { db, log, observer }: Domain,
  providers: Providers,
  limits: Pick<Limits, 'takeTurn'>,
  standings: Pick<Standings, 'refresh'>,
): Loop {
  const stopping = new AbortController();

  async function look(provider: Provider): Promise<void> {
    const { slug, mode, account } = provider;
    if (!account) return;
    const key = { provider: slug, mode };
    const question = await takeAccountQuestion(db, key, EVERY_MS);
    if (!question) return;
    const told = (await limits.takeTurn(provider)) === 0 ? await account(stopping.signal) : null;
    if (!told) return returnAccountQuestion(db, key, question);
    await storeAccount(db, key, told);
    await standings.refresh();
  }

  async function tick(): Promise<number> {
    const looks = await Promise.allSettled(providers.map(look));
    const failed = looks.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    if (failed.length > 0 && !stopping.signal.aborted) throw new AggregateError(failed, 'Accounts could not be asked.');
    return LOOK_EVERY_MS;
  }

  const loop = createLoop({ name: 'account', tick, log, observer });
  return {
    ...loop,
    async stop() {
      stopping.abort();
      await loop.stop();
    },
  };
}
