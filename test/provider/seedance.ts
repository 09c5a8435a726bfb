import type { Provider } from '../../src/provider/provider.ts';
import { createSeedance } from '../../src/provider/seedance/seedance.ts';
import { toOptions } from './adapters.ts';

export const WEBHOOK_SECRET = 'whsec-of-the-tests';

export function createSeedanceAt(baseUrl: string, webhookSecret: string | null = WEBHOOK_SECRET): Provider {
  return createSeedance({ ...toOptions(baseUrl), webhookSecret });
}
