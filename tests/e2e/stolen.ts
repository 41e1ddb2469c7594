// What somebody finds who copies a browser's profile.
import { openRecord, type RecordBody } from '../../shared/record.ts'
import type { Client } from './client.ts'

export interface Stolen {
  readonly root: Uint8Array
  readonly bytes: Uint8Array
  readonly record: RecordBody
}

/** What lies in a browser's storage, and so in a copy of its profile. */
export async function steal(client: Client): Promise<Stolen> {
  const { root, record, host } = await client.driver.read(
    () =>
      new Promise<{ root: number[]; record: number[]; host: number[] }>((resolve, reject) => {
        const opening = indexedDB.open('clawchat')
        opening.onerror = () => reject(opening.error)
        opening.onsuccess = () => {
          const asked = opening.result.transaction('profile').objectStore('profile').get('me')
          asked.onsuccess = () =>
            resolve({
              root: [...asked.result.root],
              record: [...asked.result.record],
              host: [...asked.result.hostPublicKey],
            })
        }
      }),
    null,
  )
  const bytes = Uint8Array.from(record)
  const opening = { bytes, root: Uint8Array.from(root), hostPublicKey: Uint8Array.from(host) }
  return { root: opening.root, bytes, record: openRecord({ ...opening, minSeq: 0 }) }
}
