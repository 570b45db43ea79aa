/** What a scheduler knows of deadlines. */
export interface DeadlineWatch {
  /** Whether a dag, or a run that goes on, has any; undefined where that is to be found out. */
  areUsed: boolean | undefined;
  /** Whether runs may have been created or cleared, or due times moved. */
  mayHaveChanged: boolean;
  /** When the next one is due. */
  nextAt: number;
}
