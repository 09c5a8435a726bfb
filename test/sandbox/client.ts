import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'vitest';
import { type Answer, createCaller } from './caller.ts';

/** What a caller of the sandbox's GPTImage2 does, over real HTTP. */
export function createClient(url: string, key = 'sandbox-test') {
  const { send, list } = createCaller(url, 'gptimage2', key);

  async function submit(prompt: string, more: Record<string, unknown> = {}): Promise<Answer> {
    const body = JSON.stringify({ model: 'doubao-seedream-5.0-lite', prompt, ...more });
    return send('/v1/images/generations', { method: 'POST', body });
  }

  async function poll(id: string): Promise<Answer> {
    return send(`/v1/tasks/${id}`);
  }

  /** Submits and gives the id; fails the test when the provider would not take it. */
  async function order(prompt: string, more: Record<string, unknown> = {}): Promise<string> {
    const { status, json } = await submit(prompt, more);
    expect(status, JSON.stringify(json)).toBe(200);
    return json.id as string;
  }

  async function pollUntil(id: string, holds: (task: Record<string, unknown>) => boolean) {
    for (let tries = 0; tries < 200; tries++) {
      const { json } = await poll(id);
      if (holds(json)) return json;
      await wait(25);
    }
    throw new Error(`task ${id} never came to what was waited for`);
  }

  async function results(prompt: string, more: Record<string, unknown> = {}): Promise<string[]> {
    const task = await pollUntil(await order(prompt, more), ({ status }) => status === 'completed');
    return task.results as string[];
  }

  return { send, submit, order, poll, pollUntil, results, list };
}
