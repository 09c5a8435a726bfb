import { graphql } from 'relay-runtime';

/** Each message writes the whole state into the store, where every GenerationCard of it sees it. */
export const WatchGenerationSubscription = graphql`
  subscription WatchGenerationSubscription($id: ID!, $after: Cursor) {
    generationUpdated(id: $id, after: $after) {
      cursor
      final
      generation {
        id
        ...GenerationCard_generation
      }
    }
  }
`;
