// What somebody finds who copies a browser's profile.
import { openRecord, type RecordBody } from '../../shared/record.ts'
import type { Client } from './client.ts'
import { mayOpenKept } from './kept.ts'

export interface Stolen {
  readonly root: Uint8Array
  readonly bytes: Uint8Array
  readonly record: RecordBody
}

/** What lies in a browser's storage, and so in a copy of its profile, where no PIN is set. */
export async function steal(client: Client): Promise<Stolen> {
  await mayOpenKept(client.driver)
  const { root, record, host } = await client.driver.read(async () => {
    const kept = new Map(await allKept('profile'))
    const { root, record, hostPublicKey } = kept.get('me') as Record<string, Iterable<number>>
    return {
      root: [...(root ?? [])],
      record: [...(record ?? [])],
      host: [...(hostPublicKey ?? [])],
    }
  }, null)
  const bytes = Uint8Array.from(record)
  const opening = { bytes, root: Uint8Array.from(root), hostPublicKey: Uint8Array.from(host) }
  return { root: opening.root, bytes, record: openRecord({ ...opening, minSeq: 0 }) }
}
