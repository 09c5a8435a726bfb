#!/bin/sh
# Creates a generation, follows it to its end over Server-Sent Events and saves the picture:
#   sh examples/curl.sh "A lighthouse at dusk" my-idempotency-key lighthouse.jpg
set -eu

url=${DARKROOM_URL:-http://127.0.0.1:4000/graphql}
prompt=${1:-A lighthouse at dusk}
key=${2:-$(date +%s)-$$}
file=${3:-picture.jpg}
set -- -sS --fail-with-body -H 'content-type: application/json' ${DARKROOM_KEY:+-H "authorization: Bearer $DARKROOM_KEY"}

# 1. Create. Sent again with the same key, it is the same generation.
curl "$@" --retry 5 --retry-connrefused "$url" -d '{
  "query": "mutation($input: CreateGenerationInput!) { createGeneration(input: $input) { generation { id } errors { code message } } }",
  "variables": { "input": { "prompt": "'"$prompt"'", "idempotencyKey": "'"$key"'" } }
}'
echo

# 2. Watch. The stream ends by itself; what it says last is the finished picture.
curl "$@" -N -H 'accept: text/event-stream' "$url" -d '{
  "query": "subscription($key: String!) { generationUpdated(idempotencyKey: $key) { final generation { status progress { percent } } } }",
  "variables": { "key": "'"$key"'" }
}'

# 3. Read, now or later, and save the picture.
answer=$(curl "$@" "$url" -d '{
  "query": "query($key: String!) { generation(idempotencyKey: $key) { status assets { url { uri } } failure { code message } } }",
  "variables": { "key": "'"$key"'" }
}')
echo "$answer"
curl -sS --fail -o "$file" "$(echo "$answer" | sed -n 's/.*"uri":"\([^"]*\)".*/\1/p')"
echo "saved as $file"
