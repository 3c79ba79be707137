#Requires -Version 5.1
#Requires -RunAsAdministrator
<#
.SYNOPSIS
Joins a Windows machine to Sallyport, so that people sign in to its desktop with their organisation's account.

.DESCRIPTION
This script has been parsed and checked by reading, and has NOT BEEN RUN ON WINDOWS.
Try it on a machine that you can lose.

It keeps one WebSocket to the server and does four things: it says how the machine is, sets a password for an account
at the moment when somebody signs in, takes the password back, and ends sessions with a message. What goes over the
wire is written down in docs/protocol/windows-host.md.

.PARAMETER Command
join     joins with a token; needs -Server and -TokenFile
run      serves until it is stopped
install  makes a scheduled task that runs it at every start of the machine
status   says how the machine is
test     says which part of the way to the server fails
leave    ends every account's access, and forgets the machine's key

.EXAMPLE
.\sallyport-agent.ps1 join -Server https://bastion.example -TokenFile C:\token.txt -AuthorityFile C:\ca.pem
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true, Position = 0)]
    [ValidateSet('join', 'run', 'install', 'status', 'test', 'leave')]
    [string]$Command,
    [string]$Server,
    [string]$TokenFile,
    [string]$AuthorityFile
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

$AgentVersion = '1.0.0'
$StateFolder = Join-Path $env:ProgramData 'Sallyport'
$StateFile = Join-Path $StateFolder 'agent.json'
$LogFile = Join-Path $StateFolder 'agent.log'
$KeyName = 'SallyportMachine'
$AccountMark = 'Sallyport account of '

# How long a password is good for, in seconds.
$CredentialLife = 60
# How long an order may wait for another sign-in of the same account; the server itself waits no longer.
$OrderPatience = 5
# How often the machine says how it is, in seconds.
$StatusInterval = 60
# The longest frame that is read, and the longest log, in bytes.
$LongestFrame = 4194304
$LongestLog = 4194304

# The codes of the extension AADLoginForWindows.
$ExitUnsupported = 51
$ExitNoTenant = -2145648574
$ExitUnreachable = -2145648607

# Groups by their well-known identifiers: their names are in the machine's language.
$AdministratorsSid = 'S-1-5-32-544'
$RemoteDesktopUsersSid = 'S-1-5-32-555'

# --------------------------------------------------------------------------- small things

function Write-Log {
    param([string]$Text)
    # Never a password: nothing that holds one is given to this function.
    $line = '{0:o} {1}' -f [DateTime]::UtcNow, ($Text -replace '[\r\n]', ' ')
    if ((Test-Path $LogFile) -and (Get-Item $LogFile).Length -gt $LongestLog) {
        Move-Item -Force -Path $LogFile -Destination ($LogFile + '.1')
    }
    Add-Content -Path $LogFile -Value $line -Encoding UTF8
}

function ConvertTo-Base64Url {
    param([byte[]]$Bytes)
    return [Convert]::ToBase64String($Bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_')
}

function Get-RandomBytes {
    param([int]$Count)
    $bytes = New-Object byte[] $Count
    $generator = [System.Security.Cryptography.RandomNumberGenerator]::Create()
    try { $generator.GetBytes($bytes) } finally { $generator.Dispose() }
    return , $bytes
}

function Get-UnixTime {
    return [DateTimeOffset]::UtcNow.ToUnixTimeSeconds()
}

function Get-Field {
    param($Object, [string]$Name)
    # Strict mode refuses members that are not there.
    if ($null -ne $Object -and $Object.PSObject.Properties.Match($Name).Count -gt 0) { return $Object.$Name }
    return $null
}

function ConvertTo-Guid {
    param($Text)
    $value = [Guid]::Empty
    if (-not [Guid]::TryParse([string]$Text, [ref]$value)) { throw 'an identifier is not well-formed' }
    return $value.ToString()
}

# --------------------------------------------------------------------------- the machine's key

function Get-MachineKey {
    # P-256 in the machine's key store, not exportable: Windows keeps no Ed25519 keys.
    $provider = [System.Security.Cryptography.CngProvider]::MicrosoftSoftwareKeyStorageProvider
    $options = [System.Security.Cryptography.CngKeyOpenOptions]::MachineKey
    if ([System.Security.Cryptography.CngKey]::Exists($KeyName, $provider, $options)) {
        return [System.Security.Cryptography.CngKey]::Open($KeyName, $provider, $options)
    }
    return $null
}

function New-MachineKey {
    $old = Get-MachineKey
    if ($null -ne $old) { $old.Delete() }
    $parameters = New-Object System.Security.Cryptography.CngKeyCreationParameters
    $parameters.Provider = [System.Security.Cryptography.CngProvider]::MicrosoftSoftwareKeyStorageProvider
    $parameters.KeyCreationOptions = [System.Security.Cryptography.CngKeyCreationOptions]::MachineKey
    $parameters.ExportPolicy = [System.Security.Cryptography.CngExportPolicies]::None
    return [System.Security.Cryptography.CngKey]::Create(
        [System.Security.Cryptography.CngAlgorithm]::ECDsaP256, $KeyName, $parameters)
}

function ConvertTo-SshField {
    param([byte[]]$Bytes)
    $length = [BitConverter]::GetBytes([int]$Bytes.Length)
    [Array]::Reverse($length)
    return , [byte[]]($length + $Bytes)
}

function Get-PublicKeyLine {
    param([System.Security.Cryptography.CngKey]$Key)
    # Eight bytes of header, then the two coordinates.
    $blob = $Key.Export([System.Security.Cryptography.CngKeyBlobFormat]::EccPublicBlob)
    $point = [byte[]](@([byte]4) + $blob[8..71])
    $ascii = [Text.Encoding]::ASCII
    $name = 'ecdsa-sha2-nistp256'
    $content = [byte[]]((ConvertTo-SshField $ascii.GetBytes($name)) +
        (ConvertTo-SshField $ascii.GetBytes('nistp256')) + (ConvertTo-SshField $point))
    return $name + ' ' + [Convert]::ToBase64String($content)
}

function Get-Authorization {
    param([string]$Method, [string]$Path, $State)
    $seconds = Get-UnixTime
    $nonce = ConvertTo-Base64Url (Get-RandomBytes 16)
    $text = "sallyport-host-v1`n$Method`n$Path`n$seconds`n$nonce"
    $signer = New-Object System.Security.Cryptography.ECDsaCng (Get-MachineKey)
    try {
        # Both numbers side by side, 64 bytes.
        $signature = $signer.SignData([Text.Encoding]::UTF8.GetBytes($text),
            [System.Security.Cryptography.HashAlgorithmName]::SHA256)
    } finally { $signer.Dispose() }
    return "Sallyport-Host $($State.hostId).$seconds.$nonce.$(ConvertTo-Base64Url $signature)"
}

# --------------------------------------------------------------------------- how the machine is

function Get-SystemRelease {
    $system = Get-CimInstance -ClassName Win32_OperatingSystem
    $revision = (Get-ItemProperty 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion').UBR
    return @{
        Name = $system.Caption.Trim(); Version = "$($system.Version).$revision"; Build = [int]$system.BuildNumber
    }
}

function Get-Addresses {
    $all = Get-NetIPAddress |
        Where-Object { $_.AddressState -eq 'Preferred' -and $_.InterfaceAlias -notlike 'Loopback*' }
    # Link-local addresses end in the number of an interface, which means nothing elsewhere.
    return @($all | Where-Object { $_.IPAddress -notlike '*%*' } | Select-Object -First 32 -ExpandProperty IPAddress)
}

function Get-DesktopService {
    $key = 'HKLM:\SYSTEM\CurrentControlSet\Control\Terminal Server'
    if ((Get-ItemProperty $key).fDenyTSConnections -ne 0) { return $null }
    $port = (Get-ItemProperty "$key\WinStations\RDP-Tcp").PortNumber
    $setting = Get-CimInstance -Namespace root/cimv2/TerminalServices -ClassName Win32_TSGeneralSetting `
        -Filter "TerminalName='RDP-tcp'"
    $fingerprint = ''
    foreach ($store in 'Cert:\LocalMachine\Remote Desktop', 'Cert:\LocalMachine\My') {
        if (-not (Test-Path $store)) { continue }
        $found = Get-ChildItem $store | Where-Object { $_.Thumbprint -eq $setting.SSLCertificateSHA1Hash } |
            Select-Object -First 1
        if ($null -ne $found) {
            $hash = [System.Security.Cryptography.SHA256]::Create()
            try { $digest = $hash.ComputeHash($found.RawData) } finally { $hash.Dispose() }
            $fingerprint = ([BitConverter]::ToString($digest) -replace '-', '').ToLowerInvariant()
            break
        }
    }
    return @{ port = [int]$port; certificate = $fingerprint; product = 'Windows' }
}

function Get-Status {
    param($Live)
    $release = Get-SystemRelease
    $desktop = Get-DesktopService
    $state = 'disabled'; $code = 0; $message = ''
    if ($Live.LoginEnabled) {
        if ($release.Build -lt 17763) {
            $state = 'failed'; $code = $ExitUnsupported
            $message = "This extension is not supported on the VM's operating system."
        } elseif ($null -eq $desktop) {
            $state = 'failed'; $code = 53
            $message = 'Remote Desktop is switched off on this machine (fDenyTSConnections).'
        } else { $state = 'enabled' }
    }
    $status = @{
        kind = 'status'; loginState = $state; exitCode = $code; message = $message
        agentVersion = $AgentVersion; osName = $release.Name; osVersion = $release.Version
        hostname = $env:COMPUTERNAME; addresses = @(Get-Addresses); hostKeys = @()
        sessions = @($Live.Sessions.Values | ForEach-Object { $_.Report })
    }
    if ($null -ne $desktop) { $status.desktop = $desktop }
    return $status
}

# Accounts and sessions: in a file of their own beside this one.
. (Join-Path $PSScriptRoot 'sallyport-accounts.ps1')

# --------------------------------------------------------------------------- the server's orders

function Send-Message {
    param($Live, $Content)
    $bytes = [Text.Encoding]::UTF8.GetBytes((ConvertTo-Json -InputObject $Content -Depth 8 -Compress))
    $segment = New-Object System.ArraySegment[byte] (, $bytes)
    $task = $Live.Socket.SendAsync($segment, [System.Net.WebSockets.WebSocketMessageType]::Text, $true,
        [Threading.CancellationToken]::None)
    if (-not $task.Wait(20000)) { throw 'the server does not read' }
}

function Send-Refusal {
    param($Live, [string]$Request, [string]$Code, [string]$Reason, [string]$Remedy)
    $refusal = @{ code = $Code; reason = $Reason; remedy = $Remedy }
    Send-Message $Live @{ kind = 'desktop'; request = $Request; refusal = $refusal }
}

function Invoke-Order {
    param($Live, $Order)
    $request = ConvertTo-Guid $Order.request
    $account = Get-Field $Order 'account'
    if (-not $Live.LoginEnabled -or $null -eq (Get-DesktopService)) {
        Send-Refusal $Live $request 'DesktopUnavailable' `
            "$env:COMPUTERNAME takes no sign-ins by organisation's accounts now." `
            'Ask an administrator to install the extension AADLoginForWindows on it.'
        return
    }
    try {
        $made = Set-Credential $account
    } catch {
        # The message may hold what a command was given.
        Write-Log "no credential: $($_.FullyQualifiedErrorId)"
        Send-Refusal $Live $request 'DesktopCredentialFailed' "$env:COMPUTERNAME could not prepare the sign-in." `
            "Ask an administrator to look at $LogFile on it."
        return
    }
    $Live.Pending[$made.Name] = @{ Request = $request; End = [DateTime]::UtcNow.AddSeconds($CredentialLife) }
    $Live.People[$made.Name] = @{
        ObjectId = $made.ObjectId; Session = ConvertTo-Guid $Order.session
        Administrator = (Get-Field $account 'administrator') -eq $true
    }
    Send-Message $Live @{
        kind = 'desktop'; request = $request; user = $made.Name; domain = $env:COMPUTERNAME; password = $made.Password
    }
    Write-Log "a credential for $($made.Name)"
}

function Step-Orders {
    param($Live)
    # One password at a time for each account: the next order waits until the one before is settled or over.
    $now = [DateTime]::UtcNow
    foreach ($name in @($Live.Pending.Keys)) {
        if ($Live.Pending[$name].End -le $now) {
            Lock-Account $name
            $Live.Pending.Remove($name)
        }
    }
    $left = New-Object System.Collections.ArrayList
    foreach ($waiting in $Live.Orders) {
        if ($Live.Pending.ContainsKey($waiting.Name)) {
            if ($waiting.Since.AddSeconds($OrderPatience) -gt $now) {
                [void]$left.Add($waiting)
            } else {
                Send-Refusal $Live $waiting.Order.request 'TooManyRequests' `
                    'Another sign-in of this person is going on.' 'Try again in a minute.'
            }
        } else { Invoke-Order $Live $waiting.Order }
    }
    $Live.Orders = $left
}

function Receive-Frame {
    param($Live, [string]$Text)
    $message = ConvertFrom-Json -InputObject $Text
    switch ([string](Get-Field $message 'kind')) {
        'configuration' {
            $wasEnabled = $Live.LoginEnabled
            $Live.LoginEnabled = (Get-Field $message 'loginEnabled') -eq $true
            if ($wasEnabled -and -not $Live.LoginEnabled) { Lock-AllAccounts }
            Send-Message $Live (Get-Status $Live)
        }
        'prepareDesktop' {
            if ($Live.Orders.Count -ge 64) { return }
            $name = Get-AccountName (ConvertTo-Guid $message.account.objectId)
            [void]$Live.Orders.Add(@{ Name = $name; Order = $message; Since = [DateTime]::UtcNow })
        }
        'desktopSettled' {
            $request = [string](Get-Field $message 'request')
            foreach ($name in @($Live.Pending.Keys)) {
                if ($Live.Pending[$name].Request -eq $request) {
                    Lock-Account $name
                    $Live.Pending.Remove($name)
                }
            }
        }
        'end' { Stop-Sessions $Live $message }
        # Lists of accounts and whatever comes later mean nothing here: each sign-in brings its own account.
        default { }
    }
}

# --------------------------------------------------------------------------- the control channel

function Read-State {
    if (-not (Test-Path $StateFile)) { throw 'This machine has not joined: run the command join first.' }
    return ConvertFrom-Json -InputObject (Get-Content -Raw -Path $StateFile)
}

function Connect-Server {
    param($State)
    $socket = New-Object System.Net.WebSockets.ClientWebSocket
    $socket.Options.KeepAliveInterval = [TimeSpan]::FromSeconds(20)
    $socket.Options.SetRequestHeader('Authorization', (Get-Authorization 'GET' $State.controlPath $State))
    $address = New-Object Uri (($State.server -replace '^https:', 'wss:') + $State.controlPath)
    if (-not $socket.ConnectAsync($address, [Threading.CancellationToken]::None).Wait(20000)) {
        $socket.Dispose()
        throw 'the server does not answer'
    }
    return $socket
}

function Invoke-Connection {
    param($Live)
    $buffer = New-Object byte[] 65536
    $text = New-Object System.IO.MemoryStream
    $segment = New-Object System.ArraySegment[byte] (, $buffer)
    $nextStatus = [DateTime]::UtcNow
    $reading = $null
    while ($Live.Socket.State -eq [System.Net.WebSockets.WebSocketState]::Open) {
        if ($null -eq $reading) { $reading = $Live.Socket.ReceiveAsync($segment, [Threading.CancellationToken]::None) }
        if ($reading.Wait(250)) {
            $result = $reading.Result
            $reading = $null
            if ($result.MessageType -eq [System.Net.WebSockets.WebSocketMessageType]::Close) { return }
            if ($text.Length + $result.Count -gt $LongestFrame) { throw 'the server sent too long a frame' }
            $text.Write($buffer, 0, $result.Count)
            if ($result.EndOfMessage) {
                $whole = [Text.Encoding]::UTF8.GetString($text.ToArray())
                $text.SetLength(0)
                Receive-Frame $Live $whole
            }
        }
        Step-Orders $Live
        if ([DateTime]::UtcNow -ge $Live.NextLook) {
            Update-Sessions $Live
            $Live.NextLook = [DateTime]::UtcNow.AddSeconds(1)
        }
        if ([DateTime]::UtcNow -ge $nextStatus) {
            Send-Message $Live (Get-Status $Live)
            $nextStatus = [DateTime]::UtcNow.AddSeconds($StatusInterval)
        }
    }
}

function Invoke-Agent {
    $state = Read-State
    $live = @{
        Socket = $null; LoginEnabled = $false; Sessions = @{}; People = @{}; Pending = @{}
        Orders = New-Object System.Collections.ArrayList; NextLook = [DateTime]::UtcNow
    }
    Lock-AllAccounts
    $wait = 1
    while ($true) {
        try {
            $live.Socket = Connect-Server $state
            Write-Log 'connected'
            $wait = 1
            Invoke-Connection $live
        } catch {
            Write-Log "the connection ended: $($_.Exception.GetBaseException().Message)"
        } finally {
            if ($null -ne $live.Socket) { $live.Socket.Dispose() }
            # Whoever was about to sign in begins again: nobody would tell us that they are in.
            foreach ($name in @($live.Pending.Keys)) { Lock-Account $name }
            $live.Pending = @{}
            $live.Orders.Clear()
        }
        Start-Sleep -Seconds ($wait + (Get-Random -Maximum 2))
        $wait = [Math]::Min($wait * 2, 60)
    }
}

# --------------------------------------------------------------------------- commands

function Import-Authority {
    param([string]$Path)
    # The machine's own store, because the WebSocket of Windows asks nothing else.
    Import-Certificate -FilePath $Path -CertStoreLocation Cert:\LocalMachine\Root | Out-Null
}

function New-StateFolder {
    if (-not (Test-Path $StateFolder)) { New-Item -ItemType Directory -Path $StateFolder | Out-Null }
    # Nobody but the system and administrators.
    & icacls.exe $StateFolder /inheritance:r /grant:r '*S-1-5-18:(OI)(CI)F' "*${AdministratorsSid}:(OI)(CI)F" | Out-Null
}

function Join-Machine {
    if (-not $Server -or -not $TokenFile) { throw 'join needs -Server and -TokenFile' }
    if ($Server -notmatch '^https://[A-Za-z0-9.-]+(:[0-9]+)?/?$') {
        throw '-Server must be https://host or https://host:port'
    }
    $base = $Server.TrimEnd('/')
    $release = Get-SystemRelease
    if ($release.Build -lt 17763) {
        Write-Warning "This extension is not supported on the VM's operating system: $($release.Name)."
        exit $ExitUnsupported
    }
    New-StateFolder
    if ($AuthorityFile) { Import-Authority $AuthorityFile }
    $key = New-MachineKey
    $body = @{
        token = (Get-Content -Raw -Path $TokenFile).Trim(); machineKey = Get-PublicKeyLine $key
        hostname = $env:COMPUTERNAME; hostKeys = @(); osName = $release.Name; osVersion = $release.Version
        agentVersion = $AgentVersion; addresses = @(Get-Addresses)
    }
    try {
        $answer = Invoke-RestMethod -Method Post -Uri "$base/hosts/v1/join" -ContentType 'application/json' `
            -Body ([Text.Encoding]::UTF8.GetBytes((ConvertTo-Json -InputObject $body -Compress))) -TimeoutSec 30
    } catch [System.Net.WebException] {
        if ($null -eq $_.Exception.Response) {
            Write-Warning "The server cannot be reached: $($_.Exception.Message)"
            exit $ExitUnreachable
        }
        Write-Warning 'The server refused: the token is unknown, used or expired, or the machine is not there.'
        exit $ExitNoTenant
    }
    $state = @{
        server = $base; hostId = $answer.hostId; resourceId = $answer.resourceId; tenantId = $answer.tenantId
        controlPath = $answer.controlPath
    }
    Set-Content -Path $StateFile -Value (ConvertTo-Json -InputObject $state) -Encoding UTF8
    Remove-Item -Path $TokenFile
    Write-Output "Joined as $($answer.resourceId). Go on with the command install."
}

function Install-Agent {
    [void](Read-State)
    $own = Join-Path $StateFolder 'sallyport-agent.ps1'
    # In a folder that only administrators can write to: it runs as the system.
    if ($PSCommandPath -ne $own) {
        Copy-Item -Force -Path $PSCommandPath -Destination $own
        Copy-Item -Force -Path (Join-Path $PSScriptRoot 'sallyport-accounts.ps1') -Destination $StateFolder
    }
    $action = New-ScheduledTaskAction -Execute 'powershell.exe' `
        -Argument "-NoProfile -NonInteractive -ExecutionPolicy Bypass -File `"$own`" run"
    $trigger = New-ScheduledTaskTrigger -AtStartup
    $settings = New-ScheduledTaskSettingsSet -RestartCount 999 -RestartInterval (New-TimeSpan -Minutes 1) `
        -ExecutionTimeLimit ([TimeSpan]::Zero) -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries
    Register-ScheduledTask -Force -TaskName 'Sallyport agent' -Action $action -Trigger $trigger -Settings $settings `
        -User 'SYSTEM' -RunLevel Highest | Out-Null
    Start-ScheduledTask -TaskName 'Sallyport agent'
    Write-Output 'The agent runs, now and at every start.'
}

function Show-Status {
    $state = Read-State
    $release = Get-SystemRelease
    $desktop = Get-DesktopService
    Write-Output "Machine        : $($state.resourceId)"
    Write-Output "Server         : $($state.server)"
    Write-Output "Host name      : $env:COMPUTERNAME"
    Write-Output "System         : $($release.Name) $($release.Version)"
    if ($null -eq $desktop) { Write-Output 'Remote Desktop : switched off' }
    else { Write-Output "Remote Desktop : port $($desktop.port), certificate $($desktop.certificate)" }
    if (Test-Path $LogFile) { Get-Content -Path $LogFile -Tail 5 }
}

function Test-Way {
    $state = Read-State
    $address = New-Object Uri $state.server
    try { $found = [System.Net.Dns]::GetHostAddresses($address.Host) } catch { $found = @() }
    if ($found.Count -eq 0) {
        Write-Warning "The name $($address.Host) cannot be resolved: check the DNS servers of this machine."
        exit $ExitUnreachable
    }
    Write-Output "$($address.Host) is $($found -join ', ')"
    try {
        Invoke-RestMethod -Uri "$($state.server)/healthz" -TimeoutSec 20 | Out-Null
    } catch {
        Write-Warning "No answer over TLS: $($_.Exception.GetBaseException().Message)"
        exit $ExitUnreachable
    }
    try {
        (Connect-Server $state).Dispose()
    } catch {
        Write-Warning "The server does not take this machine: $($_.Exception.GetBaseException().Message)"
        exit $ExitNoTenant
    }
    Write-Output 'The server takes this machine.'
}

function Remove-Agent {
    Unregister-ScheduledTask -TaskName 'Sallyport agent' -Confirm:$false -ErrorAction SilentlyContinue
    foreach ($number in @((Get-WindowsSessions).Keys)) { & logoff.exe $number }
    Lock-AllAccounts
    $key = Get-MachineKey
    if ($null -ne $key) { $key.Delete() }
    Remove-Item -Path $StateFile -ErrorAction SilentlyContinue
    Write-Output 'This machine has left. Its accounts are locked and keep their files.'
}

# Older systems would otherwise offer nothing newer than TLS 1.0.
[System.Net.ServicePointManager]::SecurityProtocol = [System.Net.SecurityProtocolType]::Tls12

switch ($Command) {
    'join' { Join-Machine }
    'run' { Invoke-Agent }
    'install' { Install-Agent }
    'status' { Show-Status }
    'test' { Test-Way }
    'leave' { Remove-Agent }
}
