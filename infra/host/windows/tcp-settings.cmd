@echo off
rem Windows settings of a host that runs load generators or proxies (edges run on Linux). As administrator; a restart is
rem not needed except where a line says so. Each line says why.

rem Ports for outgoing connections. The default range has 16,384 (49152-65535), fewer than the 18,000 charge points of one edge:
rem beyond it every new connection fails with WSAENOBUFS (10055) or waits.
netsh int ipv4 set dynamicport tcp start=10240 num=55295
netsh int ipv6 set dynamicport tcp start=10240 num=55295

rem A closed connection keeps its port for TcpTimedWaitDelay seconds (default 120): after a test of 15,000 charge points the next one
rem would find none. 30 is the least that Windows takes. Needs a restart.
reg add HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters /v TcpTimedWaitDelay /t REG_DWORD /d 30 /f

rem Highest port a program gets when it asks for any (older systems stop at 5000). Needs a restart.
reg add HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters /v MaxUserPort /t REG_DWORD /d 65534 /f

rem Spread received packets over the cores: a storm's SYNs all land on core 0 otherwise.
netsh int tcp set global rss=enabled

rem Let the receive window grow with the connection; "disabled", as old tuning guides have it, stalls large messages.
netsh int tcp set global autotuninglevel=normal

rem First probe of a silent connection after 5 minutes (ms) instead of 2 hours, as on Linux. Needs a restart.
reg add HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters /v KeepAliveTime /t REG_DWORD /d 300000 /f

rem What is set now.
netsh int ipv4 show dynamicport tcp
netsh int tcp show global
