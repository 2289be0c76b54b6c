import { brokenAt } from './broken.ts'
import { healthyAt } from './healthy.ts'
import type { Scenario } from './scenario.ts'

/**
 * What happens side by side on one cluster. Most happens at second `at`; what takes long begins at half of it, or at a
 * quarter.
 */
export function scenariosAt(at: number): readonly Scenario[] {
  return [...healthyAt(at), ...brokenAt(at)]
}
