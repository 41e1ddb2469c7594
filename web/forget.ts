// Forgets this browser's device for good, without its keys: for a PIN that nobody knows any more. Loaded where there is one.
import { DATABASE as FILES, FOLDER } from './filestore.ts'
import { rememberLink } from './link.ts'
import { OPENED } from './opened.ts'
import { forgetDevice } from './opening.ts'
import { DATABASE as PICTURES } from './picturestore.ts'
import { forgetNotifications } from './settings.ts'

/** Other tabs have to be told. Rejects with ClawError('storage'). */
export async function forgetAll(): Promise<void> {
  await forgetDevice()
  await dropFiles()
  rememberLink(null)
  forgetNotifications()
  const workers = 'serviceWorker' in navigator ? navigator.serviceWorker : undefined
  const registration = await workers?.getRegistration()
  const subscription = await registration?.pushManager?.getSubscription()
  await subscription?.unsubscribe()
  for (const each of (await registration?.getNotifications()) ?? []) each.close()
  location.reload()
}

/** What cannot be deleted now cannot be read either: its keys are gone. */
async function dropFiles(): Promise<void> {
  indexedDB.deleteDatabase(FILES)
  indexedDB.deleteDatabase(PICTURES)
  try {
    const root = await navigator.storage.getDirectory()
    for (const folder of [FOLDER, OPENED])
      await root.removeEntry(folder, { recursive: true }).catch(() => undefined)
  } catch {
    // There is no such place.
  }
}
