/** What fired: `told` is more than `info`. */
const counted = {
  told: 'ALERTS{alertstate="firing",severity=~"warning|critical"}',
  pages: 'ALERTS{alertstate="firing",severity="critical"}',
  alert: 'ALERTS{alertstate="firing"}',
} as const

/** Labels by which alerts of peers say whom they are about come to be those of ours. */
const consumerOfPeers = (selector: string): string =>
  `label_replace(${selector}, "consumer", "$1", "consumergroup", "(.+)")`

/** What `accountRules` count, to be asked at the end. */
export const questions = Object.keys(counted).flatMap((name) => [`${name}:evaluations`, `${name}:first`])

/**
 * Recording rules that count, evaluation by evaluation, for how many of them something was firing, and remember when it was
 * first: by rule set and consumer, or by rule set alone when all is about one thing. Evaluated behind the alerts.
 */
export function accountRules(isWhole: boolean): string {
  const by = isWhole ? 'ruleset' : 'ruleset, consumer'
  const rules = Object.entries(counted).flatMap(([name, selector]) => [
    {
      record: name,
      expr: `count by (${by}${name === 'alert' ? ', alertname, severity' : ''}) (${consumerOfPeers(selector)}) > bool 0`,
    },
    { record: `${name}:evaluations`, expr: `(${name}:evaluations + ${name}) or ${name}:evaluations or ${name}` },
    { record: `${name}:first`, expr: `${name}:first or (${name} * 0 + time())` },
  ])
  return JSON.stringify({ groups: [{ name: ACCOUNTS, rules }] })
}

export const ACCOUNTS = 'accounts'
