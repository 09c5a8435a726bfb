import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CERT } from '../sandbox/loopback-certificate.ts';
import { API_KEY } from './client.ts';
import { type Fleet, startFleet } from './fleet.ts';
import { type FrontDoor, openFrontDoor } from './front-door.ts';
import type { Ground } from './ground.ts';
import type { WireFault } from './orders.ts';
import { SLOTS } from './plan.ts';
import { openProviderDoor, type ProviderDoor } from './provider-door.ts';
import { type ProviderProcess, startProvider } from './provider-process.ts';
import { openReferenceHost, type ReferenceHost } from './reference-host.ts';

/** Everything that runs in one campaign: clients come through the front door, workers go out through the other. */
export interface Stage {
  front: FrontDoor;
  fleet: Fleet;
  door: ProviderDoor;
  provider: ProviderProcess;
  /** Where a picture to start from is. */
  references: ReferenceHost['urls'];
  /** Ends of processes that nobody had asked for. */
  accidents: string[];
  stop(): Promise<void>;
}

export interface StageOptions {
  /** Of its folder. */
  name: string;
  /** Empty. */
  databaseUrl: string;
  /** Nothing is spoilt, and no time runs out however busy the machine is. */
  isCalm: boolean;
  faultOf: (prompt: string) => WireFault | null;
}

const SETTINGS = {
  PORT: '0',
  SECRET_KEYS: 'a-secret-of-the-campaign-that-is-long-enough',
  BOOTSTRAP_API_KEY: API_KEY,
  POLL_FIRST_MS: '200',
  POLL_FAST_MS: '300',
  POLL_SLOW_MS: '500',
  UNCERTAIN_HOLD_MS: '3000',
  DEADLINE_MS: '600000',
  // Faults are what is looked for, not how long somebody waits for a turn.
  PROVIDER_REQUESTS_PER_MINUTE: 'modelark=6000,threedaistudio=6000,seedance=6000',
  PROVIDER_CONCURRENCY: 'modelark=1000,seedance=1000',
};
/** One provider answers with the images themselves, up to 1.5 s later. */
const SUBMIT_TIMEOUT_MS = 2_500;
const SHORT = { LEASE_MS: '1200', SUBMIT_TIMEOUT_MS: String(SUBMIT_TIMEOUT_MS) };
const ROLES = (['api', 'worker'] as const).flatMap((role) => Array<typeof role>(SLOTS).fill(role));

export async function setStage(
  { scripts, ...ground }: Ground,
  { name, databaseUrl, isCalm, faultOf }: StageOptions,
): Promise<Stage> {
  const folder = join(ground.folder, name);
  await mkdir(folder);
  const started: (() => Promise<void>)[] = [];
  const keep = <T extends { stop(): Promise<void> }>(part: T): T => {
    started.push(part.stop);
    return part;
  };
  const stop = async () => {
    for (const stopPart of started.splice(0).reverse()) await stopPart();
  };
  ground.stops.push(stop);

  const references = keep(await openReferenceHost());
  const certificate = join(folder, 'certificate.pem');
  await writeFile(certificate, CERT);
  const provider = keep(await startProvider(scripts.provider, folder));
  let fleet: Fleet | null = null;
  const listSlots = (...roles: string[]) => (fleet?.slots ?? []).filter(({ role }) => roles.includes(role));
  const front = keep(await openFrontDoor(() => listSlots('api', 'all').flatMap(({ url }) => url ?? [])));
  const door = keep(
    await openProviderDoor({
      providerUrl: provider.url,
      faultOf: isCalm ? () => null : faultOf,
      lateMs: SUBMIT_TIMEOUT_MS + 500,
      killWorkers: async () => void (await Promise.all(listSlots('worker').map((worker) => worker.kill()))),
    }),
  );
  const env = {
    ...SETTINGS,
    ...(isCalm ? {} : SHORT),
    DATA_DIR: folder,
    DATABASE_URL: databaseUrl,
    SANDBOX_URL: door.url,
    PUBLIC_URL: front.secureUrl,
    FETCH_ALLOWED_HOSTS: references.hosts.join(','),
    NODE_EXTRA_CA_CERTS: certificate,
  };
  const accidents: string[] = [];
  const roles = isCalm ? (['all'] as const) : ROLES;
  fleet = keep(await startFleet(roles, { script: scripts.service, folder, env, accidents }));
  return { front, fleet, door, provider, references: references.urls, accidents, stop };
}
