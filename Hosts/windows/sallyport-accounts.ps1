#Requires -Version 5.1
# Accounts and sessions of a Windows machine, for sallyport-agent.ps1, which reads this file: parsed, and NOT RUN ON WINDOWS.

# --------------------------------------------------------------------------- accounts

function Get-AccountName {
    param([string]$ObjectId)
    # Twenty characters are the most; the object id makes it nobody else's.
    return 'sp-' + ($ObjectId -replace '-', '').Substring(0, 16)
}

function New-Password {
    # Characters of three kinds, as the usual rule of Windows demands; 192 random bits.
    return 'Aa1-' + (ConvertTo-Base64Url (Get-RandomBytes 24))
}

function Get-DisplayName {
    param($Account)
    $name = ([string](Get-Field $Account 'displayName')) -replace '[^\p{L}\p{N} ''.,-]', ''
    if ($name.Length -gt 100) { $name = $name.Substring(0, 100) }
    return $name
}

function Set-Membership {
    param([string]$Sid, $User, [bool]$IsWanted)
    $isMember = @(Get-LocalGroupMember -SID $Sid -ErrorAction SilentlyContinue |
            Where-Object { $_.SID -eq $User.SID }).Count -gt 0
    if ($IsWanted -and -not $isMember) { Add-LocalGroupMember -SID $Sid -Member $User }
    if (-not $IsWanted -and $isMember) { Remove-LocalGroupMember -SID $Sid -Member $User }
}

function Set-Credential {
    param($Account)
    $objectId = ConvertTo-Guid (Get-Field $Account 'objectId')
    $name = Get-AccountName $objectId
    $password = New-Password
    $secret = ConvertTo-SecureString -String $password -AsPlainText -Force
    $user = Get-LocalUser -Name $name -ErrorAction SilentlyContinue
    if ($null -ne $user -and $user.Description -ne "$AccountMark$objectId") {
        throw 'an account of the machine has this name'
    }
    if ($null -eq $user) {
        $user = New-LocalUser -Name $name -Password $secret -Description "$AccountMark$objectId" -Disabled
    }
    Set-LocalUser -Name $name -Password $secret -FullName (Get-DisplayName $Account) -PasswordNeverExpires $true `
        -UserMayChangePassword $false
    $isAdministrator = (Get-Field $Account 'administrator') -eq $true
    # First what is taken away: whatever fails after this leaves somebody with less, not with more.
    Set-Membership $AdministratorsSid $user $isAdministrator
    Set-Membership $RemoteDesktopUsersSid $user $true
    Enable-LocalUser -Name $name
    return @{ Name = $name; Password = $password; ObjectId = $objectId }
}

function Lock-Account {
    param([string]$Name)
    # A running session goes on; only the door behind it is locked.
    Disable-LocalUser -Name $Name -ErrorAction SilentlyContinue
    $secret = ConvertTo-SecureString -String (New-Password) -AsPlainText -Force
    Set-LocalUser -Name $Name -Password $secret -ErrorAction SilentlyContinue
}

function Lock-AllAccounts {
    Get-LocalUser | Where-Object { $_.Description -like "$AccountMark*" } | ForEach-Object { Lock-Account $_.Name }
}

# --------------------------------------------------------------------------- sessions

function Get-WindowsSessions {
    # quser is a program for people: its heading is in the machine's language, its columns are always the same ones.
    $found = @{}
    $lines = & quser.exe 2>$null
    foreach ($line in @($lines)) {
        if ($line -match '^[ >](sp-[0-9a-f]{16})\s+(\S*)\s+(\d+)\s') {
            $found[[int]$Matches[3]] = @{ Name = $Matches[1]; Terminal = $Matches[2] }
        }
    }
    return $found
}

function Update-Sessions {
    param($Live)
    $there = Get-WindowsSessions
    foreach ($number in @($there.Keys)) {
        if ($Live.Sessions.ContainsKey($number)) { continue }
        $person = $Live.People[$there[$number].Name]
        if ($null -eq $person) {
            # Left over from before this program started: nobody knows whether they may still be in.
            Write-Log "session $number of nobody we know is ended"
            & logoff.exe $number
            continue
        }
        $report = @{
            session = $person.Session; objectId = $person.ObjectId; serial = '0'; keyId = 'desktop'; source = ''
            tty = "session $number"; openedAt = [DateTime]::UtcNow.ToString('yyyy-MM-ddTHH:mm:ss.fffZ')
            administrator = $person.Administrator
        }
        $Live.Sessions[$number] = @{ Report = $report; Name = $there[$number].Name }
        Send-Message $Live ($report + @{ kind = 'sessionOpened' })
    }
    foreach ($number in @($Live.Sessions.Keys)) {
        if ($there.ContainsKey($number)) { continue }
        $gone = $Live.Sessions[$number]
        $Live.Sessions.Remove($number)
        Send-Message $Live @{ kind = 'sessionClosed'; session = $gone.Report.session; reason = '' }
    }
}

function Stop-Sessions {
    param($Live, $Order)
    $session = Get-Field $Order 'session'
    $objectId = Get-Field $Order 'objectId'
    $serial = Get-Field $Order 'serial'
    # Every member that is there has to fit; an order without any is none.
    if ($null -eq $session -and $null -eq $objectId -and $null -eq $serial) { return }
    foreach ($number in @($Live.Sessions.Keys)) {
        $report = $Live.Sessions[$number].Report
        if ($null -ne $session -and $report.session -ne [string]$session) { continue }
        if ($null -ne $objectId -and $report.objectId -ne [string]$objectId) { continue }
        if ($null -ne $serial -and $report.serial -ne [string]$serial) { continue }
        Write-Log "session $number of $($Live.Sessions[$number].Name) is ended"
        Lock-Account $Live.Sessions[$number].Name
        $message = ([string](Get-Field $Order 'message')) -replace '[^\x20-\x7E\u00A0-\uFFFD]', ' '
        if ($message) { & msg.exe $number /TIME:10 $message 2>$null }
        & logoff.exe $number
    }
}
