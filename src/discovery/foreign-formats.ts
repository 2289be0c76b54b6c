import { curator } from './curator.ts'
import type { ForeignFormat } from './foreign-format.ts'
import { nerve } from './nerve.ts'
import { serverset } from './serverset.ts'

export const foreignFormatNames = ['serverset', 'nerve', 'curator'] as const
export type ForeignFormatName = (typeof foreignFormatNames)[number]

/** Every way in which others write: a newcomer adds a name and a line here. */
export const foreignFormats: Readonly<Record<ForeignFormatName, ForeignFormat>> = { serverset, nerve, curator }
