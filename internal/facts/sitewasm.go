package facts

// wasmSites is what the WASM rules ask for.
var wasmSites = []siteAsk{
	{pkgs: []string{"net"}, names: []string{"Listen", "ListenTCP", "ListenUDP", "ListenPacket", "Dial", "DialTimeout", "DialTCP", "DialUDP"}},
	{
		pkgs:    []string{"net/http"},
		names:   []string{"ListenAndServe", "ListenAndServeTLS", "Get", "Post", "PostForm", "Head"},
		methods: []string{"ListenAndServe", "ListenAndServeTLS"},
	},
	{pkgs: []string{"os/exec"}, names: []string{"Command", "CommandContext"}},
	{pkgs: []string{"os"}, names: []string{"StartProcess"}},
	{pkgs: []string{"plugin"}, names: []string{"Open"}},
	{
		pkgs:    []string{"github.com/tetratelabs/wazero"},
		names:   []string{"NewModuleConfig"},
		methods: []string{"WithSysWalltime", "WithWalltime", "WithRandSource"},
	},
}
