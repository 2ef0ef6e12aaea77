import "../styles/base.css";
import "../styles/board.css";
import { render } from "preact";
import { App } from "./App";

render(<App />, document.getElementById("root")!);
