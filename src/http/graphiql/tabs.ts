/** Stands in the prepared tabs for the idempotency key that the browser makes, so that all of them mean one purchase. */
export const KEY = 'KEY-OF-THIS-VISIT';

const CREATE = `# 1. Run this, with the button or Ctrl-Enter: it orders
#    one picture. However often you run it, the key makes
#    it one purchase. Then go on with Watch.
#
#    UNAUTHENTICATED? This service wants a key. Open
#    Headers, below, and type, once for all these tabs:
#    {"Authorization": "Bearer sk_test_…"}
mutation Create {
  createGeneration(
    input: {
      prompt: "A lighthouse at dusk, calm sea"
      size: {
        ratio: { aspectRatio: "16:9", resolution: R2K }
      }
      idempotencyKey: "${KEY}"
    }
  ) {
    generation { id status }
    replayed
    cursor
    errors { code message path }
  }
}
`;

const WATCH = `# 2. Then run this: the same generation, live until it
#    is finished. The uri at the end is your picture:
#    Ctrl-click it.
subscription Watch {
  generationUpdated(idempotencyKey: "${KEY}") {
    kind
    final
    generation {
      version
      status
      progress { percent basis }
      assets { state width height url { uri expiresAt } }
      failure { code message billed }
    }
  }
}
`;

const LOOK = `# 3. What was ordered and what came of it, now or later.
#    Hover a word to read what it means; for all there
#    is, open the docs at the top left.
query Look {
  generation(idempotencyKey: "${KEY}") {
    id
    status
    prompt
    slots {
      index
      asset {
        url { uri }
        width
        height
        mimeType
        byteSize
        thumbhash
      }
      failure { code message }
    }
    tasks {
      provider { name }
      status
      providerTaskId
      pollCount
    }
    cost { basis providerCredits }
  }
}
`;

const LIST = `# The newest generations, a page of them. For the next
# page add after: "…" with the endCursor of this one.
# filter narrows it: by status, time, provider, words.
query List {
  generations(first: 10) {
    edges {
      node {
        id
        status
        createdAt
        prompt
        progress { percent basis }
        assets { state width height url { uri } }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`;

const PROVIDERS = `# Who makes pictures here, and what each accepts. Pick
# model, size and format for Create from it: what no
# provider can do is refused before it costs anything.
query Providers {
  providers {
    name
    slug
    mode
    models {
      model { name slug }
      providerModelId
      promptLimit
      promptLimitUnit
      maxImages
      maxReferences
      maxReferencesPlusImages
      aspectRatios
      resolutions
      pixelArea { min max }
      outputFormats
      pricePerImage { amount currency }
      progress
      resultTtlSeconds
      features
    }
  }
}
`;

const QUOTE = `# Before it costs anything: who could make this, what it
# would cost and take, what would be changed for it, and
# whom Create would ask. Nothing is ordered.
query Quote {
  quote(
    input: {
      prompt: "A lighthouse at dusk, calm sea"
      images: 4
      size: {
        ratio: { aspectRatio: "16:9", resolution: R3K }
      }
      fit: NEAREST
      routing: { prefer: CHEAPEST }
    }
  ) {
    routes {
      provider { name }
      eligible
      chosen
      reason
      price { amount currency }
      p50Seconds
      adjustments { path asked sent reason }
      refusals { message }
    }
    errors { code message path }
  }
}
`;

const EXCHANGES = `# After Create: what this service and the provider said
# to each other, newest first, without secrets. Look here
# when a picture fails. A key needs the scope DEBUG.
query Exchanges {
  generation(idempotencyKey: "${KEY}") {
    status
    tasks {
      id
      provider { name }
      status
      failure { code providerCode providerMessage }
      exchanges {
        at
        durationMs
        method
        url
        status
        error
        requestBody
        responseBody
      }
    }
  }
}
`;

const EVENTS = `# Everything that happened here, oldest first. To go on
# add after: "…" with the cursor of this page. Make the
# query a subscription to follow it live.
query Events {
  events(first: 20) {
    edges {
      node {
        at
        type
        generation { id }
        version
        status
        percent
        taskStatus
      }
    }
    cursor
    pageInfo { hasNextPage }
  }
}
`;

/** What a first visitor finds open, in the order in which one would want it. */
export const TABS = [CREATE, WATCH, LOOK, LIST, PROVIDERS, QUOTE, EXCHANGES, EVENTS].map((query) => ({ query }));
