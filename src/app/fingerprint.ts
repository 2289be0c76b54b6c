import { createHash } from 'node:crypto'
import { Secret } from '../config/secret.ts'

/**
 * The same text for the same configuration, another text for any other: to see what a reload has changed. A secret counts
 * by its digest, a pattern by its text.
 */
export function fingerprint(value: unknown): string {
  return JSON.stringify(comparable(value)) ?? 'absent'
}

function comparable(value: unknown): unknown {
  if (value instanceof Secret) return { secret: createHash('sha256').update(value.reveal()).digest('hex') }
  if (Array.isArray(value)) return value.map(comparable)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, comparable(inner)]))
}
