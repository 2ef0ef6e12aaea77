import "../styles/base.css";
import "../styles/panel.css";
import { start } from "../lib/start";
import { App } from "./App";

start(<App />);
