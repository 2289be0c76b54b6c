import type { DataSourceRef } from '@grafana/grafana-foundation-sdk/common'
import {
  type DashboardLink,
  DashboardLinkBuilder,
  DashboardLinkType,
  type Threshold,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus'
import { filled, type Link } from '../links.ts'

/** Every panel and variable asks whatever Prometheus the reader chose: no `__inputs`, no fixed uid. */
export const datasource: DataSourceRef = { type: 'prometheus', uid: filled('datasource') }

/** What every panel must say about itself. */
export interface About {
  readonly title: string
  /** What it shows, and what a reader should make of it. */
  readonly description: string
  /** A unit id of Grafana. */
  readonly unit: string
  /** Of 24 columns. */
  readonly width: number
  /** Of rows of 30 pixels; each kind of panel has one of its own. */
  readonly height?: number
}

/** From green to this colour, at one or more of what should not be there. */
export function atLeastOne(color: string): readonly Threshold[] {
  return [
    { value: null, color: 'green' },
    { value: 1, color },
  ]
}

/** From green to orange to red. */
export function rising(orange: number, red: number): readonly Threshold[] {
  return [
    { value: null, color: 'green' },
    { value: orange, color: 'orange' },
    { value: red, color: 'red' },
  ]
}

export function instant(query: string): DataqueryBuilder {
  return new DataqueryBuilder().expr(query).instant().datasource(datasource)
}

export function refId(index: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + index)
}

export function panelLink({ title, url }: Link): DashboardLinkBuilder {
  return new DashboardLinkBuilder(title).type(DashboardLinkType.Link).url(url).targetBlank(isElsewhere(url))
}

/** As an override of a field has it. */
export function fieldLink({ title, url }: Link): Pick<DashboardLink, 'title' | 'url' | 'targetBlank'> {
  return { title, url, targetBlank: isElsewhere(url) }
}

function isElsewhere(url: string): boolean {
  return !url.startsWith('/d/')
}
