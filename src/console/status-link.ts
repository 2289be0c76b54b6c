import type { Status } from '../model/judgement.ts'
import { type Html, html, linkTo } from './html.ts'

/** How a consumer is doing: why, when somebody points at it, and the numbers behind a click. */
export function statusLink(status: Status, why: string | undefined, query: Readonly<Record<string, string>>): Html {
  const link = linkTo('api/v1/status', query)
  return html`<a href="${link}" class="${status === 'ok' ? 'quiet' : 'bad'}" title="${why ?? ''}">${status}</a>`
}
