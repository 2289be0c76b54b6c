import { z } from 'zod'

/** What a schema says about itself beyond its type. */
export interface Hint {
  /** What a right value looks like: ends a problem ("expected …") and fills the type column of the reference. */
  readonly expected: string
  /** The value is never printed, and `<name>_file` beside it is accepted in its place. */
  readonly secret?: true
  /** The value names a file that must be readable; `private` also checks who else may read it. */
  readonly file?: 'open' | 'private'
}

/** Hints of the schemas made in this folder; `shapeOf` reads them. */
export const hints = z.registry<Hint>()
