// Wires the page: language and engine → state → views.
import { render } from 'preact'
import { codeOf } from '../shared/error.ts'
import { Asking } from './asking.tsx'
import { startEngine } from './engine.ts'
import { firstLanguage, onWords, speak } from './language.ts'
import { rememberedLink } from './link.ts'
import { followTheme } from './theme.ts'
import { PageVersion } from './version.ts'
import { App, Failed } from './views/App.tsx'
import { CHAT, preloadViews } from './views/parts.ts'
import { Starting } from './views/Starting.tsx'

async function main(root: HTMLElement): Promise<void> {
  followTheme()
  const joining = location.hash.length > 1 || rememberedLink() !== null
  const speaking = speak(firstLanguage())
  const asking = new Asking(root, speaking)
  const starting = startEngine(asking)
  // It is awaited below; until then a failure is not yet ours to tell.
  starting.catch(() => undefined)
  // Whoever has been here before sees the chat first; a guest of a link meanwhile reads and writes a name.
  if (!joining) CHAT.preload()
  await speaking
  if (!asking.begun) render(<Starting joining={joining} />, root)
  try {
    const engine = await starting
    const version = new PageVersion(() => paint())
    const paint = (): void =>
      render(
        <App state={engine.state} engine={engine} secure={isSecureContext} version={version} />,
        root,
      )
    engine.subscribe((state) => {
      paint()
      if (state.connection.state === 'connected') version.check()
    })
    document.addEventListener('visibilitychange', () => version.check())
    onWords(paint)
    paint()
    void preloadViews().catch(() => undefined)
    await version.start()
  } catch (error) {
    // Never an empty page: whatever stops the engine is named like every other cause.
    render(<Failed code={codeOf(error)} />, root)
  }
}

const root = document.getElementById('app')
// Without its words there is one sentence left.
if (root !== null)
  main(root).catch(() => {
    root.textContent = 'ClawChat could not be loaded whole. Reload the page.'
  })
