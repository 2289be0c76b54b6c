/** What a document that others wrote says of where a process can be reached. */
type ForeignEntry =
  | {
      readonly kind: 'alive'
      /** A name or an IP address, as it stands there. */
      readonly host: unknown
      readonly port: unknown
      readonly scheme?: 'https'
      /** What is no text, number or boolean is left out. */
      readonly labels: Readonly<Record<string, unknown>>
    }
  /** It says itself that it is not there, or not for use. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'bad'; readonly why: string }

/** How others write down their members in ZooKeeper: one znode a member, one JSON object in it. */
export interface ForeignFormat {
  /** Never throws. `endpoint`: which of several endpoints has the metrics; its main one when absent. */
  read(document: Readonly<Record<string, unknown>>, endpoint: string | undefined): ForeignEntry
}
