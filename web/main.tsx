// Wires the page: engine → state → views.
import { render } from 'preact'
import { startEngine } from './engine.ts'
import { App } from './views/App.tsx'

const root = document.getElementById('app')
if (root !== null) {
  const engine = await startEngine()
  const paint = (): void => render(<App state={engine.state} engine={engine} />, root)
  engine.subscribe(paint)
  paint()
}
