/** What a partition without a position means for the sums of its consumer. */
export type NoPositionPolicy = 'ignore' | 'start' | 'end' | 'void'
