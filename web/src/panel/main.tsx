import "../styles/base.css";
import "../styles/panel.css";
import { render } from "preact";
import { App } from "./App";

render(<App />, document.getElementById("root")!);
