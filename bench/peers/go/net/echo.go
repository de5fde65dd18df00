// The same echo server in Go, one goroutine a client, and the HTTP server of the hello rows.
//
//	net_go tcp|unix|udp|tls|http ADDRESS [CERT KEY]
package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
)

func giveUp(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func echo(client net.Conn) {
	defer client.Close()
	buffer := make([]byte, 16384)
	for {
		size, err := client.Read(buffer)
		if err != nil {
			return
		}
		if _, err = client.Write(buffer[:size]); err != nil {
			return
		}
	}
}

func serve(listener net.Listener) {
	for {
		client, err := listener.Accept()
		giveUp(err)
		go echo(client)
	}
}

func serveDatagrams(address string) {
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(address)})
	giveUp(err)
	fmt.Println(socket.LocalAddr().(*net.UDPAddr).Port)
	buffer := make([]byte, 65536)
	for {
		size, from, err := socket.ReadFromUDPAddrPort(buffer)
		giveUp(err)
		socket.WriteToUDPAddrPort(buffer[:size], from)
	}
}

func hello(answer http.ResponseWriter, _ *http.Request) {
	answer.Header().Set("Content-Type", "text/plain; charset=utf-8")
	answer.Write([]byte("Hello, world!"))
}

func main() {
	if len(os.Args) < 3 {
		os.Exit(2)
	}
	kind, address := os.Args[1], os.Args[2]
	switch kind {
	case "udp":
		serveDatagrams(address)
	case "unix":
		listener, err := net.Listen("unix", address)
		giveUp(err)
		fmt.Println(address)
		serve(listener)
	default:
		listener, err := net.Listen("tcp", address+":0")
		giveUp(err)
		fmt.Println(listener.Addr().(*net.TCPAddr).Port)
		if kind == "tls" {
			certificate, err := tls.LoadX509KeyPair(os.Args[3], os.Args[4])
			giveUp(err)
			listener = tls.NewListener(listener, &tls.Config{
				Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13})
		}
		if kind == "http" {
			giveUp(http.Serve(listener, http.HandlerFunc(hello)))
		}
		serve(listener)
	}
}
