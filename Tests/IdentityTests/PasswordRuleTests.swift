import Testing
import Vocabulary

@testable import Identity

struct PasswordRuleTests {
    private func judge(_ password: String, banned: [String] = PasswordRules.banned) -> Refusal? {
        PasswordRules.judge(
            secret(password),
            userName: "alice@contoso.example",
            names: ["Alice", "Wonderland", "Li", nil],
            banned: banned
        )
    }

    @Test(
        "accepts passwords of three kinds of character",
        arguments: [
            "Correct horse 1", "abcDEFG8", "tr0ub4dor&3", "LONG ENOUGH 7!", String(repeating: "aB3 ", count: 64),
        ]
    )
    func accepts(password: String) {
        #expect(self.judge(password) == nil)
    }

    @Test(
        "refuses short, long, plain and non-ASCII passwords",
        arguments: [
            "Ab1!xyz", String(repeating: "aB3 ", count: 64) + "x", "abcdefghi", "abcdefg1", "ABCDEFG1", "Pässword 12",
            "Abc 123\tx",
        ]
    )
    func refuses(password: String) {
        #expect(self.judge(password)?.code == "PasswordNotAcceptable")
    }

    @Test("refuses the person's own names, also disguised", arguments: ["xxAlice99!", "My@lice99x", "W0nderl@nd 77"])
    func refusesNames(password: String) {
        #expect(self.judge(password) != nil)
    }

    @Test(
        "refuses common words, however decorated",
        arguments: ["Password1", "P@$$w0rd1234", "Welcome1!", "Qwerty1!", "AdminAdmin1"]
    )
    func refusesCommon(password: String) {
        #expect(self.judge(password) != nil)
    }

    @Test("counts a banned word as one character: the documented examples")
    func scores() {
        let banned = ["contoso", "blank"]
        #expect(self.judge("C0ntos0Blank12", banned: banned) != nil)
        #expect(self.judge("ContoS0Bl@nkf9!", banned: banned) == nil)
    }
}
