import type { Witness } from '../discovery/sought.ts'
import type { PageFailure } from '../flink/flink-page.ts'
import type { PagePoller } from '../flink/page-poller.ts'

/** What the poller saw last at the address of a reporter; a page that was slow or too large says nothing. */
export function createPageWitness(poller: Pick<PagePoller, 'page' | 'failure'>): Witness {
  return (id) => {
    const page = poller.page(id)
    const failure = poller.failure(id)
    const verdict = failure === undefined ? undefined : verdicts[failure.kind]
    if (failure !== undefined && verdict !== undefined && failure.at > (page?.takenAt ?? Number.NEGATIVE_INFINITY))
      return { at: failure.at, verdict, address: addressOf(failure.url) }
    return page === undefined ? undefined : { at: page.takenAt, verdict: 'same', address: addressOf(page.url) }
  }
}

const verdicts: Partial<Readonly<Record<PageFailure['kind'], 'other' | 'gone'>>> = {
  other_process: 'other',
  no_flink_page: 'other',
  refused: 'gone',
}

function addressOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : ''
}
