/** The requests of seed 004, letter for letter. */
export const SEED_MINIMAL = `{
  "model": "seedream-5.0-lite",
  "prompt": "A serene mountain landscape at sunrise"
}`;

export const SEED_FULL = `{
  "model": "seedream-5.0-lite",
  "prompt": "Professional YouTube thumbnail with text 'TOP 10 TIPS' in bold red font, excited person on left, bright blue background",
  "aspect_ratio": "16:9",
  "deep_thinking": true,
  "style": "photorealistic",
  "webhook_url": "https://your-app.com/webhook/image-complete",
  "metadata": {
    "project": "youtube-thumbnails",
    "batch_id": "thumb-2026-04"
  }
}`;

/** What its JavaScript sample sends: the options are spread over the body, under their own names too. */
export const SEED_SPREAD = `{
  "model": "seedream-5.0-lite",
  "prompt": "A cozy coffee shop interior with warm lighting",
  "aspect_ratio": "16:9",
  "deep_thinking": true,
  "aspectRatio": "16:9",
  "deepThinking": true
}`;

export const SEED_BATCH = `{
  "generations": [
    {
      "prompt": "Minimalist logo design, blue circle with lightning bolt",
      "model": "seedream-5.0-lite",
      "aspect_ratio": "1:1",
      "deep_thinking": true
    },
    {
      "prompt": "Professional headshot background, soft gradient",
      "model": "seedream-5.0-lite",
      "aspect_ratio": "1:1",
      "deep_thinking": false
    },
    {
      "prompt": "YouTube thumbnail with text 'MUST WATCH' in red",
      "model": "seedream-5.0-lite",
      "aspect_ratio": "16:9",
      "deep_thinking": true
    }
  ],
  "webhook_url": "https://your-app.com/webhook/batch-complete"
}`;
