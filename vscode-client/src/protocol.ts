/**
 * The messages between this client and its server, beside those of LSP.
 * Mirrors `server/devrouter/lsp/protocol.py`, name by name; a test compares the two.
 */

export const STATUS = 'devrouter/status';
export const TRIAGE = 'devrouter/triage';
export const TRIAGE_TEXT = 'devrouter/triageText';
export const ANSWER = 'devrouter/answer';
export const ADD_CONTEXT = 'devrouter/addContext';

export const IGNORE_HERE = 'devrouter.server.ignoreHere';
export const IGNORE_KIND = 'devrouter.server.ignoreKind';
export const IGNORE_IN_PROJECT = 'devrouter.server.ignoreInProject';
export const DISMISS = 'devrouter.server.dismissSecret';
export const LIST_IGNORED = 'devrouter.server.listIgnored';
export const SHOW_AGAIN = 'devrouter.server.showAgain';
export const SET_TIER = 'devrouter.server.setTier';
export const PICK_TIER = 'devrouter.server.pickTier';
export const APPLY_REWRITE = 'devrouter.server.applyRewrite';
export const ASK_MODEL = 'devrouter.server.askModel';
export const TELL_USE = 'devrouter.server.tellUse';

export interface PositionMessage {
  line: number;
  character: number;
}

export interface RangeMessage {
  start: PositionMessage;
  end: PositionMessage;
}

/** The effective tier and the sentence that says what decided. */
export interface TierMessage {
  route: string;
  reason: string;
}

/**
 * One of the three tiers as the user set it up. `name` is empty where they gave none; `contextLimit` is in
 * tokens, `price` that of a million input tokens in the user's currency.
 */
export interface TierChoiceMessage {
  route: string;
  name: string;
  models: string[];
  contextLimit: number | null;
  price: number | null;
}

/** How things are for one document. `intent` to `tokens` are null where it holds no prompt. */
export interface StatusMessage {
  uri: string;
  version: number;
  health: string;
  message: string;
  mend: string | null;
  busy: boolean;
  prompts: number;
  gaps: number;
  engine: string | null;
  intent: string | null;
  complexity: string | null;
  tier: TierMessage | null;
  confidence: number | null;
  tokens: number | null;
  chosen: string | null;
  tiers: TierChoiceMessage[];
}

/** An open document, and a range for a selection that shall be read as one prompt. */
export interface TriageParams {
  textDocument: Record<string, string>;
  range?: RangeMessage;
}

/** One missing item and the words it concerns. */
export interface GapMessage {
  phrase: string;
  kind: string;
  range: RangeMessage;
}

/**
 * One prompt. `decision` holds exactly the five fields, `text` the prompt as it would be sent, `masked` the same
 * with a placeholder for each of its `secrets`.
 */
export interface PromptMessage {
  range: RangeMessage;
  destination: string;
  text: string;
  decision: Record<string, unknown>;
  gaps: GapMessage[];
  confidence: Record<string, number>;
  tier: TierMessage;
  answeredBy: Record<string, string>;
  engine: string;
  withheld: string | null;
  repaired: string[];
  problems: string[];
  secrets: number;
  masked: string;
}

/** The answer to `devrouter/triage`. */
export interface TriageMessage {
  version: number;
  textHash: string;
  prompts: PromptMessage[];
}

/** A text that no editor holds, such as a chat's first message; the embedded engine alone reads it. */
export interface TriageTextParams {
  text: string;
}

/**
 * The answer to `devrouter/triageText`, null for a text without words. `secrets` is how many secrets it holds,
 * `tiers` are the three.
 */
export interface TextTriageMessage {
  secrets: number;
  intent: string;
  complexity: string;
  tier: TierMessage;
  tiers: TierChoiceMessage[];
}

/** A prompt for the local tier's model to answer, and the document whose settings hold. */
export interface AnswerParams {
  textDocument: Record<string, string>;
  text: string;
  partialResultToken: string;
}

/** A piece of the answer, and the model in Ollama that writes it. */
export interface AnswerPartMessage {
  model: string;
  text: string;
}

/**
 * One thing that is ignored. `key` goes to SHOW_AGAIN; `uri` is the document it is ignored in, the settings
 * file that says so, or empty where it holds everywhere. `phrase` is `*` for all of the kind, and null where
 * only a hash is kept and no open document holds the finding. `since` is in seconds since the epoch.
 */
export interface IgnoredMessage {
  key: string;
  kind: string;
  uri: string;
  phrase: string | null;
  since: number | null;
}

/** A problem that the editor shows: where, as in "src/app.py:12", and what. */
export interface ProblemMessage {
  place: string;
  text: string;
}

/** What only the editor knows, for the prompt at the start of the range. */
export interface AddContextParams {
  textDocument: Record<string, string>;
  range: RangeMessage;
  problems: ProblemMessage[];
}

/** The edit of this version that adds it; null where the prompt has it all. */
export interface ContextEditMessage {
  version: number;
  range: RangeMessage;
  text: string;
}
