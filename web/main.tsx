// Wires the page: engine → state → views.
import { render } from 'preact'
import { ClawError } from '../shared/error.ts'
import { startEngine } from './engine.ts'
import { App, Failed } from './views/App.tsx'

async function main(root: HTMLElement): Promise<void> {
  try {
    const engine = await startEngine()
    const paint = (): void => render(<App state={engine.state} engine={engine} />, root)
    engine.subscribe(paint)
    paint()
  } catch (error) {
    // Never an empty page: whatever stops the engine is named like every other cause.
    render(<Failed code={error instanceof ClawError ? error.code : 'internal'} />, root)
  }
}

const root = document.getElementById('app')
if (root !== null) await main(root)
