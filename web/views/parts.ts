// What of the views is loaded later, each part one file of the build.
import { speakAll } from '../language.ts'
import { Part } from '../part.ts'

/** All that is seen of a chat. */
export const CHAT = new Part(async () => {
  const [{ Chat }] = await Promise.all([import('./Chat.tsx'), speakAll()])
  return Chat
})
/** What opens over it. */
export const DIALOGS = new Part(async () => (await import('./ChatDialog.tsx')).ChatDialog)
export const RESULTS = new Part(async () => (await import('./Results.tsx')).Results)
/** Where a PIN is set. */
export const LOCK_SCREEN = new Part(async () => {
  const [{ LockScreen }] = await Promise.all([import('./LockScreen.tsx'), speakAll()])
  return LockScreen
})

/** One after the other, as they will be needed: before anybody presses, and before the network is gone again. */
export async function preloadViews(): Promise<void> {
  for (const part of [CHAT, DIALOGS, RESULTS]) await part.load()
}
