// Which of a record's endpoints lead to its host (SPEC §4.3, §4.4), apart from who dials them, which is loaded then.
import { LOCATOR_FLAG, type LocatorEntry } from '../shared/locator.ts'
import type { RecordBody } from '../shared/record.ts'

export type RelayEndpoint = Extract<LocatorEntry, { type: 'https' }>

/** Those of the record's endpoints that serve for this, as far as a page of this protocol may reach them. */
export const endpointsFor = (
  use: 'mailbox' | 'relay',
  { locator }: Pick<RecordBody, 'locator'>,
  pageProtocol: string,
): RelayEndpoint[] =>
  locator.filter(
    (entry): entry is RelayEndpoint =>
      entry.type === 'https' &&
      (entry.flags & LOCATOR_FLAG[use]) !== 0 &&
      // A browser refuses plain connections of a secure page.
      (pageProtocol !== 'https:' || entry.url.startsWith('https:')),
  )
