import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isLoopback } from '../config/config.ts';
import { answerText } from './answer-text.ts';

type Readiness = 'ready' | 'not ready' | 'draining';

export interface HealthOptions {
  readiness(): Promise<Readiness>;
  /** The text for Prometheus, and its content type. */
  scrape(): Promise<{ text: string; contentType: string }>;
  /** Who reads the metrics must bring it; null: only who calls from this machine may, if nobody else can reach it. */
  metricsToken: string | null;
  /** Whether it listens where only this machine can reach it. */
  isLocal: boolean;
}

/** Answers /livez, /readyz and /metrics; false for any other path. */
export type Health = (path: string, req: IncomingMessage, res: ServerResponse) => Promise<boolean>;

/** The same three addresses on every role, worker included. */
export function createHealth({ readiness, scrape, metricsToken, isLocal }: HealthOptions): Health {
  async function metrics(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const refusal = metricsToken === null ? refuseStrangers(isLocal, req) : refuseWithout(metricsToken, req);
    if (refusal) return answerText(res, refusal.status, refusal.text, refusal.status === 401 ? CHALLENGE : {});
    const { text, contentType } = await scrape();
    answerText(res, 200, text, { 'content-type': contentType });
  }

  return async (path, req, res) => {
    if (path === '/livez') answerText(res, 200, 'ok\n');
    else if (path === '/readyz') {
      const word = await readiness();
      answerText(res, word === 'ready' ? 200 : 503, `${word}\n`);
    } else if (path === '/metrics') await metrics(req, res);
    else return false;
    return true;
  };
}

interface Refusal {
  status: number;
  text: string;
}

const CHALLENGE = { 'www-authenticate': 'Bearer' };

function refuseWithout(token: string, { headers }: IncomingMessage): Refusal | null {
  const given = /^Bearer +(.+)$/i.exec(headers.authorization ?? '')?.[1] ?? '';
  // Compared as digests: they are of one length, whatever was given.
  if (timingSafeEqual(digest(given), digest(token))) return null;
  return { status: 401, text: 'Send the METRICS_TOKEN of this service: Authorization: Bearer ….\n' };
}

/** A web page that the operator has open could read them by a name that points at this machine, hence the Host. */
function refuseStrangers(isLocal: boolean, { headers }: IncomingMessage): Refusal | null {
  const host = `http://${headers.host ?? ''}`;
  if (isLocal && URL.canParse(host) && isLoopback(new URL(host).hostname)) return null;
  return { status: 404, text: 'Set METRICS_TOKEN to have metrics served beyond loopback.\n' };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
