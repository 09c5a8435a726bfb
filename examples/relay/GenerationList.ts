import { graphql } from 'relay-runtime';

/** The screen: its first page. */
export const GenerationListQuery = graphql`
  query GenerationListQuery($filter: GenerationFilter) {
    ...GenerationList_query @arguments(filter: $filter)
  }
`;

/** A list that loads more at its end. */
export const GenerationList = graphql`
  fragment GenerationList_query on Query
  @argumentDefinitions(
    count: { type: "Int", defaultValue: 20 }
    cursor: { type: "Cursor" }
    filter: { type: "GenerationFilter" }
  )
  @refetchable(queryName: "GenerationListPageQuery") {
    generations(first: $count, after: $cursor, filter: $filter)
      @connection(key: "GenerationList_generations", filters: ["filter"]) {
      edges {
        node {
          id
          ...GenerationCard_generation
        }
      }
    }
  }
`;
