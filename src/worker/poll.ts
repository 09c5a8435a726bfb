import { setMaxListeners } from 'node:events';
import { claimTasks } from '../generation/claim.ts';
import type { Domain } from '../generation/domain.ts';
import type { PollReport } from '../generation/provider-report.ts';
import type { Task } from '../generation/types.ts';
import type { Answer, Provider } from '../provider/provider.ts';
import { createAnswerHandler } from './answers.ts';
import type { Breaker } from './breaker.ts';
import { createDesk, type Desk } from './desk.ts';
import { Held } from './held.ts';
import type { Holder, Identity } from './identity.ts';
import type { Limits } from './limits.ts';
import { createLoop, type Loop } from './loop.ts';
import { findProvider, type Providers } from './providers.ts';
import { ALWAYS, createTurn, type Turn } from './turn.ts';
import { giveUnconfiguredBack } from './unconfigured.ts';

/** How many tasks are held at once, and beyond that how many of workspaces of which none is held: one of each. */
const ROOM = { most: 20_000, reserve: 1_000 };
const MOST_A_CLAIM = 500;
const IDLE_MS = 1_000;
const UNTIL_THE_NEXT_HEARTBEAT_MS = 100;
/** Nudges that are kept for tasks this worker may be about to claim. */
const MOST_EARLY_NUDGES = 1_000;

export interface Poller extends Loop, Holder {
  /** The tasks in hand at this moment. */
  list(): string[];
  /** Puts tasks out of hand: they went to others, or are over. */
  forget(ids: readonly string[]): void;
  /** Asks about these soon, those that it has in hand or is about to have. */
  nudge(ids: readonly string[]): void;
}

export interface PollerOptions {
  room?: typeof ROOM;
  /** Where they are left out, whatever is due is asked. */
  limits?: Pick<Limits, 'of' | 'takeTurn'>;
  /** Told of each answer. */
  breaker?: Pick<Breaker, 'heard'>;
  /** Told of each question about a task, and how many milliseconds after it was due it was sent. */
  onAsk?: (provider: Provider, lateMs: number) => void;
}

/**
 * Asks providers about the tasks they accepted. It holds their leases and keeps their schedule in memory, so that a
 * poll without news writes nothing; what it held is polled on by whoever takes over.
 */
export function createPoller(
  domain: Domain,
  providers: Providers,
  identity: Identity,
  { room = ROOM, limits, breaker, onAsk }: PollerOptions = {},
): Poller {
  const held = new Map<string, Held>();
  const desks = new Map<Provider, Desk>();
  const stopping = new AbortController();
  // One for each request under way.
  setMaxListeners(0, stopping.signal);
  const handleAnswer = createAnswerHandler(domain, identity, drop);
  const earlyNudges = new Set<string>();
  let claimedAt = 0;
  let wanted = true;

  async function tick(): Promise<number> {
    // The tasks may be in other hands by now, and nobody is asked about a task by two.
    if (!identity.isAlive()) return UNTIL_THE_NEXT_HEARTBEAT_MS;
    if (wanted || performance.now() - claimedAt > IDLE_MS) await claim();
    const naps = [...desks.values()].map((desk) => desk.askDue(IDLE_MS));
    return wanted ? 0 : Math.min(IDLE_MS, ...naps.map((ms) => Math.max(1, ms)));
  }

  /** One batch a tick: polls that are due, and the claims of other workers, have their turn in between. */
  async function claim(): Promise<void> {
    wanted = false;
    claimedAt = performance.now();
    const free = room.most - held.size;
    const tasks = free > 0 ? await claimAny(free) : await claimForNewcomers();
    await giveUnconfiguredBack(
      domain,
      tasks.filter((task) => !take(task)),
      identity.now(),
    );
    if (free > 0 && tasks.length > 0) wanted = true;
  }

  function claimAny(limit: number, onlyNewTo?: string[]): Promise<Task[]> {
    const most = Math.min(limit, MOST_A_CLAIM);
    return claimTasks(domain, { workerId: identity.id, statuses: ['ACCEPTED', 'RUNNING'], limit: most, onlyNewTo });
  }

  function claimForNewcomers(): Promise<Task[]> {
    const known = new Set([...held.values()].map(({ workspaceId }) => workspaceId));
    return claimAny(room.most + room.reserve - held.size, [...known]);
  }

  function take(task: Task): boolean {
    const provider = findProvider(providers, task);
    if (!provider || task.providerTaskId === null) return false;
    const each = new Held(task, task.providerTaskId, provider, identity.now);
    if (earlyNudges.delete(task.id)) each.nudge();
    forget(task.id);
    held.set(task.id, each);
    deskOf(provider).place(each);
    return true;
  }

  function deskOf(provider: Provider): Desk {
    const desk = desks.get(provider) ?? openDesk(provider);
    desks.set(provider, desk);
    return desk;
  }

  function openDesk(provider: Provider): Desk {
    const { log } = domain;
    const { signal } = stopping;
    const wake = () => loop.wake();
    return createDesk({
      provider,
      log,
      now: identity.now,
      signal,
      turn: limits ? turnAt(provider, limits, wake) : ALWAYS,
      onAsk: (lateMs) => onAsk?.(provider, lateMs),
      onAnswer: (report) => void breaker?.heard(provider, report),
      hear,
      onChange: wake,
    });
  }

  function turnAt(provider: Provider, limits: NonNullable<PollerOptions['limits']>, onCome: () => void): Turn {
    return createTurn({
      isFree: () => limits.of(provider).requestsPerMinute === null,
      ask: () => limits.takeTurn(provider),
      log: domain.log,
      signal: stopping.signal,
      onCome,
    });
  }

  async function hear(each: Held, answer: Answer<PollReport> | undefined): Promise<void> {
    if (held.get(each.task.id) !== each) return;
    // Broken off by us, which says nothing about the provider.
    if (stopping.signal.aborted && answer?.report.kind === 'SILENT') return;
    const delayMs = await handleAnswer(each, answer);
    if (held.get(each.task.id) !== each) return;
    each.schedule(delayMs);
    deskOf(each.provider).place(each);
  }

  function drop(each: Held): void {
    if (held.get(each.task.id) === each) forget(each.task.id);
  }

  function forget(id: string): void {
    const each = held.get(id);
    if (!each) return;
    held.delete(id);
    deskOf(each.provider).remove(each);
  }

  function nudge(id: string): void {
    const each = held.get(id);
    if (!each) return void earlyNudges.add(id);
    each.nudge();
    deskOf(each.provider).place(each);
  }

  const loop = createLoop({ name: 'poll', tick, log: domain.log, observer: domain.observer });
  return {
    ...loop,
    wake() {
      wanted = true;
      loop.wake();
    },
    holds: (taskId) => held.has(taskId),
    list: () => [...held.keys()],
    forget(ids) {
      for (const id of ids) forget(id);
    },
    nudge(ids) {
      for (const id of ids) nudge(id);
      for (const oldest of earlyNudges) {
        if (earlyNudges.size <= MOST_EARLY_NUDGES) break;
        earlyNudges.delete(oldest);
      }
      loop.wake();
    },
    async stop() {
      stopping.abort();
      await loop.stop();
      await Promise.all([...desks.values()].map((desk) => desk.drained()));
    },
  };
}
