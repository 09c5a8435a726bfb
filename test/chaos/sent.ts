import { isRefusal, type Submission } from './submission.ts';

/** What left for the providers. */
export interface Sent {
  /** Takes down that it leaves; answers the prompts that leave for the first time. */
  leaves(submission: Submission): string[];
  /** It was answered. */
  answered(submission: Submission, status: number, body: string): void;
  /** How often each prompt left for a provider that did not refuse it, the same name counted once. */
  list(): SentPrompt[];
}

export interface SentPrompt {
  provider: string;
  prompt: string;
  times: number;
}

export function createSent(): Sent {
  const submissions = new Map<Submission, { isRefused: boolean }>();
  const seen = new Set<string>();

  return {
    leaves(submission) {
      const prompts = submission.orders.map(({ prompt }) => prompt).filter((prompt) => !seen.has(prompt));
      for (const prompt of prompts) seen.add(prompt);
      submissions.set(submission, { isRefused: false });
      return prompts;
    },
    answered(submission, status, body) {
      submissions.set(submission, { isRefused: isRefusal(submission, status, body) });
    },
    list() {
      const counts = new Map<string, SentPrompt>();
      const names = new Set<string>();
      for (const [{ provider, orders }, { isRefused }] of submissions) {
        for (const { prompt, name } of orders) {
          if (isRefused || (name !== null && names.has(name))) continue;
          if (name !== null) names.add(name);
          const key = JSON.stringify([provider, prompt]);
          const times = (counts.get(key)?.times ?? 0) + 1;
          counts.set(key, { provider, prompt, times });
        }
      }
      return [...counts.values()];
    },
  };
}
