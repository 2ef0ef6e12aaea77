import "../styles/base.css";
import "../styles/board.css";
import { start } from "../lib/start";
import { App } from "./App";

start(<App />);
