import { graphql } from 'relay-runtime';

/** Puts the new generation at the head of the lists named in `connections`, and gives the cursor to watch it with. */
export const CreateGenerationMutation = graphql`
  mutation CreateGenerationMutation($input: CreateGenerationInput!, $connections: [ID!]!) {
    createGeneration(input: $input) {
      generation @prependNode(connections: $connections, edgeTypeName: "GenerationEdge") {
        id
        ...GenerationCard_generation
      }
      cursor
      replayed
      errors {
        code
        message
        path
        ... on InvalidInputError {
          allowed
        }
      }
    }
  }
`;
