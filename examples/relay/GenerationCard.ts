import { graphql } from 'relay-runtime';

/** What one generation shows of itself. It can be read again by its id, as when its links have expired. */
export const GenerationCard = graphql`
  fragment GenerationCard_generation on Generation @refetchable(queryName: "GenerationCardRefetchQuery") {
    id
    version
    status
    prompt
    progress {
      percent
      basis
    }
    slots {
      index
      asset {
        thumbhash
        width
        height
        url {
          uri
          expiresAt
        }
      }
      failure {
        code
        message
        billed
      }
    }
    failure {
      code
      message
      billed
    }
  }
`;
