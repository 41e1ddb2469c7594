// Wires the page: engine → state → views.
import { render } from 'preact'
import { ClawError } from '../shared/error.ts'
import { startEngine } from './engine.ts'
import { rememberedLink } from './link.ts'
import { App, Failed } from './views/App.tsx'
import { Starting } from './views/Starting.tsx'

async function main(root: HTMLElement): Promise<void> {
  const joining = location.hash.length > 1 || rememberedLink() !== null
  render(<Starting joining={joining} />, root)
  try {
    const engine = await startEngine()
    const paint = (): void =>
      render(<App state={engine.state} engine={engine} secure={isSecureContext} />, root)
    engine.subscribe(paint)
    paint()
  } catch (error) {
    // Never an empty page: whatever stops the engine is named like every other cause.
    render(<Failed code={error instanceof ClawError ? error.code : 'internal'} />, root)
  }
}

const root = document.getElementById('app')
if (root !== null) await main(root)
