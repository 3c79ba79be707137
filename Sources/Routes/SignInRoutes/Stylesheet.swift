import Crypto
import HTTPTypes
import Hummingbird
import Vocabulary

/// The pages' one stylesheet: light and dark, from phone width up, under a name that changes with its content.
enum Stylesheet {
    static let path = "assets/signin-\(Hex.encode(SHA256.hash(data: Array(text.utf8)).prefix(8))).css"

    static var response: Response {
        Response(
            status: .ok,
            headers: [
                .contentType: "text/css; charset=utf-8",
                .cacheControl: "public, max-age=31536000, immutable",
                .xContentTypeOptions: "nosniff",
            ],
            body: .init(byteBuffer: ByteBuffer(string: Self.text))
        )
    }

    // Colours have a contrast of at least 4.5 : 1 against what they stand on (WCAG 2.2, 1.4.3).
    static let text = """
        :root {
            --page: #eef1f5; --card: #fff; --text: #1b1f26; --soft: #566072; --line: #8a94a6;
            --accent: #0b5cad; --on-accent: #fff; --error: #a4161a; --error-page: #fdecec;
        }
        @media (prefers-color-scheme: dark) {
            :root {
                --page: #12151a; --card: #1c2129; --text: #eceff4; --soft: #aab3c2; --line: #6d788b;
                --accent: #79b8ff; --on-accent: #0c1a29; --error: #ffb3b0; --error-page: #3a1d1f;
            }
        }
        * { box-sizing: border-box; }
        body {
            margin: 0; min-height: 100vh; padding: 1rem; display: flex; flex-direction: column; align-items: center;
            justify-content: center; background: var(--page); color: var(--text);
            font: 1rem/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif;
        }
        main {
            width: 100%; max-width: 27rem; padding: 2rem; background: var(--card); border-radius: .75rem;
            box-shadow: 0 1px 2px rgb(0 0 0 / 20%), 0 8px 24px rgb(0 0 0 / 12%); overflow-wrap: anywhere;
        }
        .brand { display: flex; align-items: center; gap: .6rem; margin: 0 0 1.25rem; font-weight: 600; }
        .brand svg { fill: var(--accent); flex: none; }
        h1 { margin: 0 0 .25rem; font-size: 1.5rem; line-height: 1.25; }
        .lead { margin: 0 0 1rem; color: var(--soft); }
        label { display: block; margin: 1rem 0 .25rem; font-weight: 600; }
        input:not([type=hidden]), textarea {
            width: 100%; padding: .65rem .75rem; font: inherit; color: inherit; background: var(--card);
            border: 1px solid var(--line); border-radius: .4rem;
        }
        input::placeholder { color: var(--soft); opacity: 1; }
        input[aria-invalid=true] { border-color: var(--error); }
        .code { font-family: ui-monospace, monospace; font-size: 1.4rem; letter-spacing: .2em; text-transform: uppercase; }
        .hint { margin: .25rem 0 0; font-size: .875rem; color: var(--soft); }
        .error {
            padding: .6rem .75rem; color: var(--error); background: var(--error-page);
            border-left: 4px solid var(--error); border-radius: .25rem;
        }
        button {
            display: block; width: 100%; margin-top: 1rem; padding: .65rem 1rem; font: inherit; font-weight: 600;
            color: var(--text); background: transparent; border: 1px solid var(--line); border-radius: .4rem; cursor: pointer;
        }
        button.primary { color: var(--on-accent); background: var(--accent); border-color: var(--accent); margin-top: 1.5rem; }
        button:hover { filter: brightness(1.08); text-decoration: underline; }
        :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
        .accounts { list-style: none; margin: 0; padding: 0; }
        .account { margin-top: .5rem; text-align: left; }
        .account span { display: block; }
        .detail { font-weight: 400; color: var(--soft); }
        .identifiers { margin: 1rem 0 0; font-size: .875rem; color: var(--soft); }
        .identifiers dd { margin: 0 0 .5rem; font-family: ui-monospace, monospace; }
        footer { margin: 1rem; font-size: .875rem; color: var(--soft); }
        @media (max-width: 30rem) {
            body { padding: 0; justify-content: flex-start; background: var(--card); }
            main { max-width: none; padding: 1.25rem; border-radius: 0; box-shadow: none; }
        }

        """
}
