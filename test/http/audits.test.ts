import { type Audit, type AuditResult, serverAudits } from 'graphql-http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bearer, TEST_KEY } from '../service/client.ts';
import { type Service, startService } from '../service/service.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service?.stop());

test('the audits of GraphQL over HTTP find nothing that MUST, SHOULD or MAY be otherwise', async () => {
  const fetchFn = (url: string, init: RequestInit = {}) =>
    fetch(url, { ...init, headers: { ...bearer(TEST_KEY), ...init.headers } });
  const audits: Audit[] = serverAudits({ url: `${service.url}/graphql`, fetchFn });
  const results: AuditResult[] = [];
  for (const audit of audits) results.push(await audit.fn());
  expect(results.length).toBeGreaterThan(50);
  const faults = results.flatMap((result) => (result.status === 'ok' ? [] : [`${result.name}: ${result.reason}`]));
  expect(faults).toEqual([]);
});
