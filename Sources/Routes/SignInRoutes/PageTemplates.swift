/// The pages as Mustache templates: plain HTML that works without a script. Every value is escaped.
///
/// Each form carries the pass's token in `flow`; the buttons are told apart by `action`.
enum PageTemplates {
    static let layout = """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta name="robots" content="noindex">
        <title>{{title}} – {{tenant}}</title>
        <link rel="stylesheet" href="/{{stylesheet}}">
        </head>
        <body>
        <main>
        <p class="brand"><svg viewBox="0 0 24 24" width="28" height="28" aria-hidden="true" focusable="false"><path \
        d="M3 3h4v3h3V3h4v3h3V3h4v18h-6v-5a3 3 0 0 0-6 0v5H3z"/></svg><span>{{tenant}}</span></p>
        {{{body}}}
        </main>
        <footer>Sallyport</footer>
        </body>
        </html>

        """

    static let credentials = """
        <h1>Sign in</h1>
        <p class="lead">to continue to <strong>{{application}}</strong></p>
        {{#message}}<p class="error" id="error" role="alert">{{.}}</p>{{/message}}
        <form method="post" action="/signin">
        <input type="hidden" name="flow" value="{{flow}}">
        <label for="username">User name</label>
        <input id="username" name="username" type="text" inputmode="email" autocomplete="username" autocapitalize="none" \
        spellcheck="false" maxlength="320" required value="{{name}}"{{^name}} autofocus{{/name}}{{#message}} \
        aria-invalid="true" aria-describedby="error"{{/message}} placeholder="name@{{domain}}">
        <label for="password">Password</label>
        <input id="password" name="password" type="password" autocomplete="current-password" maxlength="1024" \
        required{{#name}} autofocus{{/name}}{{#message}} aria-invalid="true" aria-describedby="error"{{/message}}>
        <button class="primary" type="submit" name="action" value="signin">Sign in</button>
        <button type="submit" name="action" value="cancel" formnovalidate>Cancel</button>
        </form>
        """

    static let newPassword = """
        <h1>Choose a password</h1>
        <p class="lead">The password of <strong>{{name}}</strong> is temporary. Replace it to go on.</p>
        {{#message}}<p class="error" id="error" role="alert">{{.}}</p>{{/message}}
        <form method="post" action="/signin">
        <input type="hidden" name="flow" value="{{flow}}">
        <input type="hidden" name="username" autocomplete="username" value="{{name}}">
        <label for="password">Present password</label>
        <input id="password" name="password" type="password" autocomplete="current-password" maxlength="1024" required \
        autofocus{{#message}} aria-invalid="true" aria-describedby="error"{{/message}}>
        <label for="new">New password</label>
        <input id="new" name="new" type="password" autocomplete="new-password" maxlength="1024" required \
        aria-describedby="rules{{#message}} error{{/message}}">
        <p class="hint" id="rules">8 to 256 characters, three of: lower case, upper case, digits, symbols; not your name.</p>
        <label for="repeat">New password again</label>
        <input id="repeat" name="repeat" type="password" autocomplete="new-password" maxlength="1024" required>
        <button class="primary" type="submit" name="action" value="password">Save and sign in</button>
        <button type="submit" name="action" value="cancel" formnovalidate>Cancel</button>
        </form>
        """

    static let accounts = """
        <h1>Pick an account</h1>
        <p class="lead">to continue to <strong>{{application}}</strong></p>
        <form method="post" action="/signin">
        <input type="hidden" name="flow" value="{{flow}}">
        <ul class="accounts">
        {{#accounts}}
        <li><button class="account" type="submit" name="action" value="account:{{id}}"><span class="name">{{displayName}}\
        </span><span class="detail">{{name}}</span></button></li>
        {{/accounts}}
        <li><button class="account" type="submit" name="action" value="other"><span class="name">Use another account\
        </span></button></li>
        </ul>
        <button type="submit" name="action" value="cancel">Cancel</button>
        </form>
        """

    static let deviceCode = """
        <h1>Enter code</h1>
        <p class="lead">Enter the code that your program or device shows. Never enter a code that somebody sent you.</p>
        {{#message}}<p class="error" id="error" role="alert">{{.}}</p>{{/message}}
        <form method="post" action="/signin">
        <input type="hidden" name="flow" value="{{flow}}">
        <label for="code">Code</label>
        <input id="code" class="code" name="code" type="text" autocomplete="one-time-code" autocapitalize="characters" \
        spellcheck="false" maxlength="16" required autofocus{{#message}} aria-invalid="true" \
        aria-describedby="error"{{/message}}>
        <button class="primary" type="submit" name="action" value="code">Next</button>
        </form>
        """

    static let confirmDevice = """
        <h1>Are you signing in to {{application}}?</h1>
        <p>A program{{#source}} at the network address <strong>{{.}}</strong>{{/source}} asks to act as \
        <strong>{{name}}</strong>. Continue only if you started it yourself and see this code on its screen.</p>
        <form method="post" action="/signin">
        <input type="hidden" name="flow" value="{{flow}}">
        <button class="primary" type="submit" name="action" value="confirm">Continue</button>
        <button type="submit" name="action" value="cancel" autofocus>Cancel</button>
        </form>
        """

    static let allowDesktop = """
        <h1>Allow remote desktop connection to {{hostName}}?</h1>
        <p><strong>{{name}}</strong> is about to sign in to the desktop of <strong>{{hostName}}</strong>. Answer Yes only \
        if you have just started a remote desktop program for this machine yourself.</p>
        <p class="hint">{{machine}}</p>
        <form method="post" action="/signin">
        <input type="hidden" name="flow" value="{{flow}}">
        <button class="primary" type="submit" name="action" value="confirm">Yes</button>
        <button type="submit" name="action" value="cancel" autofocus>No</button>
        </form>
        """

    static let codeToPaste = """
        <h1>Signed in: one step is left</h1>
        <p>Copy the address of this page, which is repeated here, and paste it into the program that sent you. It works \
        once and for ten minutes. Give it to nobody.</p>
        <form>
        <label for="address">Address</label>
        <textarea id="address" rows="4" readonly autofocus>{{address}}</textarea>
        </form>
        """

    static let signOut = """
        <h1>Sign out?</h1>
        <p>Signed in with this browser:</p>
        <ul>
        {{#names}}<li>{{.}}</li>
        {{/names}}
        </ul>
        <form method="post" action="/signin">
        <input type="hidden" name="flow" value="{{flow}}">
        <button class="primary" type="submit" name="action" value="confirm" autofocus>Sign out</button>
        <button type="submit" name="action" value="cancel">Stay signed in</button>
        </form>
        """

    static let done = """
        <h1>{{title}}</h1>
        <p>{{text}}</p>
        """

    static let failure = """
        <h1>Sorry, this did not work</h1>
        <p class="error" role="alert">{{sentence}}</p>
        <dl class="identifiers">
        <dt>Request id</dt><dd>{{trace}}</dd>
        <dt>Correlation id</dt><dd>{{correlation}}</dd>
        <dt>Time</dt><dd>{{timestamp}}</dd>
        </dl>
        """

    static let post = """
        <h1>Signing in…</h1>
        <form method="post" action="{{target}}">
        {{#fields}}<input type="hidden" name="{{name}}" value="{{value}}">
        {{/fields}}
        <p>If nothing happens, press the button.</p>
        <button class="primary" type="submit">Continue</button>
        </form>
        <script>\(Self.submit)</script>
        """

    /// The only script there is; the page's policy allows it by its digest.
    static let submit = "document.forms[0].submit()"
}
